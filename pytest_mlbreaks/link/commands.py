from dataclasses import dataclass, field
@dataclass(frozen=True)
class Invocation:
    kind: str; target: str; arguments: tuple=(); variables: dict=field(default_factory=dict); workdir: str|None=None; place_offset_line:int=0
def invocations(argv, shell):
    import shlex
    try: a = argv if argv is not None else shlex.split(shell or "")
    except ValueError: return []
    a=[x or "?" for x in a]
    if not a: return []
    if a[0].startswith("python") and len(a)>1:
        return [Invocation("module",a[2])] if a[1]=="-m" and len(a)>2 else [Invocation("script",a[1],tuple(a[2:]))]
    if a[0]=="uvicorn" and len(a)>1: return [Invocation("callable",a[1])]
    return [Invocation("tool",a[0])]
