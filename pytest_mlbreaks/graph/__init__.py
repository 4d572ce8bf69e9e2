"""The graph of a pipeline: what there is, how it hangs together, and which findings concern what.

`build` makes it of linked pipelines and a report; `narrow` cuts it to paths and findings, `fold` to a size; `html`,
`mermaid`, `dot` and `plain` say it.
"""
