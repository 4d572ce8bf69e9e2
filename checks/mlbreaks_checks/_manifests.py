"""What may become of manifests on their way to the cluster: overlays that patch them, commands that fill in images."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import Pipeline, deployment, expr, facts, references

_Object = facts.Workload | facts.Autoscaler
_Scoped = facts.Workload | facts.Autoscaler | facts.ConfigObject | facts.VolumeClaim

PATCHED = "an overlay patches or replaces it"
"""Why nothing is said of an object that a kustomization may change."""

TEMPLATED = "a template of a chart may set more"
"""Why nothing is said of what is missing in an object that a Helm template makes."""

LONGEST = 200
"""Characters of a pattern that is tried; names of Kubernetes have 253 at most."""

_REPLACES_TAG = re.compile(
    r"\bkubectl\s+(?:-\S+\s+\S+\s+)*set\s+image\b|\bkustomize\s+edit\s+set\s+image\b|\bargocd\s+app\s+set\b|"
    r"--set(?:-string)?[= ]\S*(?:image|tag)|\bkbld\b|\bskaffold\b"
)
_MAY_REPLACE_TAG = re.compile(
    r"\bkubectl\s+(?:-\S+\s+(?:[^-\s]\S*\s+)?)*patch\b|--set(?:-string|-json|-file)?[= ]\S*version|\bkustomize\b|"
    r"\bytt\b|\bjsonnet\b|\benvsubst\b|\byq\b|\bsed\b|\bperl\s+-\S*i|manifest|k8s-deploy|update-yaml|\bkompose\b"
)
_HELM_KEYS = frozenset({"helm.sh/chart", "meta.helm.sh/release-name"})
_OF_OTHERS = re.compile(r"rendered|cilium|vendor|third[_-]?party", re.IGNORECASE)


# ---------------------------------------------------------------------------------------------------- overlays


def may_be_patched(
    path: str, pipeline: Pipeline, *, apart_from: Container[str] = (), of: _Object | None = None
) -> bool:
    """Whether a kustomization that takes in the file *path*, itself or through others, may change the objects in it, in
    a way that could not be told.

    Nothing can be said of such an object as it comes to run; nor of one that the kustomization of its folder passes
    over for another of its name. *apart_from* names fields of kustomizations that do not matter to who asks; *of* is
    the object, where only one of the file does.
    """
    if of is not None and is_built(of):
        return is_stopped(of)
    return _is_passed_over(path, pipeline, of) or any(
        change not in apart_from and (of is None or _concerns(holder, change, of, pipeline))
        for holder in overlays(path, pipeline).values()
        for change in holder.changes
    )


def _is_passed_over(path: str, pipeline: Pipeline, of: _Object | None) -> bool:
    """Whether the kustomization of the folder takes in another file, which has a workload of the same kind and name, or
    could not be read."""
    holders = pipeline.index(facts.Kustomization, _folder_of).get(_folder(path), ())
    if not holders or overlays(path, pipeline):
        return False
    listed = {one for holder in holders for one in holder.lists}
    own = [of] if isinstance(of, facts.Workload) else pipeline.index(facts.Workload, "path").get(path, ())
    names = {(workload.kind, workload.name) for workload in own}
    return not listed.isdisjoint(pipeline.unread) or any(
        (workload.kind, workload.name) in names
        for other in listed
        for workload in pipeline.index(facts.Workload, "path").get(other, ())
    )


def any_may_be_patched(things: Iterable[_Scoped], pipeline: Pipeline, *, apart_from: Container[str] = ()) -> bool:
    """Whether any of *things* may be changed, as `may_be_patched` says of the file of one."""
    paths = {thing.path for thing in things if not is_built(thing)}
    return any(may_be_patched(path, pipeline, apart_from=apart_from) for path in paths)


def is_built(thing: _Scoped) -> bool:
    """Whether an object is as a kustomization makes it, and not as its own file alone says."""
    return bool(deployment(thing.scope)) and thing.scope != thing.path


def is_stopped(thing: _Scoped) -> bool:
    """Whether it has no pods until something that is not in its manifests gives it some."""
    return isinstance(thing, facts.Workload) and thing.replicas == expr.Literal(0)


def _concerns(holder: facts.Kustomization, field: str, thing: _Object, pipeline: Pipeline) -> bool:
    """Whether a field of a kustomization may change *thing*. Names that another kustomization gives are not known."""
    if renamed(pipeline):
        return True
    targets = [target for target in holder.targets if target.field == field]
    return not targets or any(_is_meant(target, thing, pipeline) for target in targets)


def _is_meant(target: facts.PatchTarget, thing: _Object, pipeline: Pipeline) -> bool:
    kind = _kind(thing)
    if target.field == "images":
        containers = pipeline.index(facts.Container, "workload").get(str(thing.identity), ())
        named = [references.split_reference(pipeline.pattern(c.image)).repository for c in containers if c.image]
        return isinstance(thing, facts.Workload) and any("{*}" in one or one == target.name for one in named)
    if target.path:
        patches: list[_Object] = [
            *pipeline.index(facts.Workload, "path").get(target.path, ()),
            *pipeline.index(facts.Autoscaler, "path").get(target.path, ()),
        ]
        return not patches or any((_kind(p), p.name) == (kind, thing.name) for p in patches)
    if target.field == "replicas":
        return target.name == thing.name
    return _fits(target.kind, kind) and _fits(target.name, thing.name)


def _kind(thing: _Object) -> str:
    """The kind of an object, "" where a fact does not say."""
    return "HorizontalPodAutoscaler" if isinstance(thing, facts.Autoscaler) else getattr(thing, "kind", "")


def _fits(pattern: str, text: str) -> bool:
    """Whether a pattern of kustomize, which is of the whole text, fits. One that is no pattern here may."""
    if not pattern or not text:
        return True
    try:
        return len(pattern) > LONGEST or re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def is_templated(thing: facts.Workload | facts.Container, pipeline: Pipeline, *fields: str) -> bool:
    """Whether a template of a chart fills in, or adds to, one of *fields* of a container or of its workload."""
    untold = set(thing.untold)
    if isinstance(thing, facts.Container):
        workload = pipeline.one(facts.Workload, thing.workload)
        untold.update(workload.untold if workload is not None else ())
    return "*" in untold or not untold.isdisjoint(fields)


def overlays(path: str, pipeline: Pipeline) -> dict[str, facts.Kustomization]:
    """The kustomizations that take in the file *path*, themselves or through others, by their own paths."""
    listing = pipeline.index(facts.Kustomization, "lists", each=True)
    by_folder = pipeline.index(facts.Kustomization, _folder_of)
    found: dict[str, facts.Kustomization] = {}
    folder = _folder(path)
    pending = [path] if folder in by_folder else [path, folder]
    while pending:
        for holder in listing.get(pending.pop(), ()):
            if holder.path not in found:
                found[holder.path] = holder
                pending += [holder.path, _folder(holder.path)]
    return found


def image_may_change(path: str, pipeline: Pipeline, container: facts.Container | None = None) -> str:
    """Why nothing can be said of the images that the manifest *path* names, as they come to run: a kustomization that
    takes it in may set others, or the one of its folder does not take it in. "" where neither is so."""
    workload = pipeline.one(facts.Workload, container.workload) if container is not None else None
    if workload is not None and is_built(workload):
        if is_stopped(workload):
            return PATCHED
        return "Argo CD may set another image" if _argo_sets_images(pipeline) else ""
    if may_be_patched(path, pipeline, apart_from=("replicas",), of=workload):
        return PATCHED
    if _argo_sets_images(pipeline):
        return "Argo CD may set another image"
    if _folder(path) in pipeline.index(facts.Kustomization, _folder_of) and not overlays(path, pipeline):
        return "the kustomization of its folder does not take it in, or takes it for a patch"
    return ""


def _argo_sets_images(pipeline: Pipeline) -> bool:
    return any(application.sets_images for application in pipeline.all(facts.Application))


def is_part_of(part: str, whole: str, pipeline: Pipeline) -> bool:
    """Whether what the file *part* says of an object may be meant for the one of the same name in the file *whole*.

    It may where it lies in the same folder, in one below that or beside it, or where one kustomization takes in both.
    """
    folder, other = _folder(whole), _folder(part)
    beside = other != "." and _folder(folder) == _folder(other)
    if folder in (".", other) or other.startswith(f"{folder}/") or beside:
        return True
    holders = overlays(whole, pipeline)
    patching = pipeline.index(facts.Kustomization, "patches", each=True).get(part, ())
    return not holders.keys().isdisjoint({*(k.path for k in patching), *overlays(part, pipeline)})


def renamed(pipeline: Pipeline) -> bool:
    """Whether any kustomization of the tree puts something before or after the names of objects."""
    return True in pipeline.index(facts.Kustomization, "renames")


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _folder_of(kustomization: facts.Kustomization) -> str:
    return _folder(kustomization.path)


# ------------------------------------------------------------------------------------------------------ images


def images_replaced(pipeline: Pipeline) -> str:
    """Whether CI of the tree ``does`` put another image into manifests or releases, ``may``, or neither ("")."""
    jobs = pipeline.index(facts.WorkflowJob, _replaces)
    return next((answer for answer in ("does", "may") if answer in jobs), "")


def _replaces(job: facts.WorkflowJob) -> str | None:
    may = None
    for step in job.steps:
        text = f"{step.uses} {_ci.text_of(step.run.shell) if step.run is not None else ''}"
        if _REPLACES_TAG.search(text):
            return "does"
        if "k8s-deploy" in step.uses.lower() and any(_is_varying_image(given) for given in step.inputs):
            return "does"  # https://github.com/Azure/k8s-deploy: it puts them into the manifests
        if _MAY_REPLACE_TAG.search(text):
            may = "may"
    return may


def _is_varying_image(given: facts.Variable) -> bool:
    return given.name == "images" and "{*}" in _ci.text_of(given.value)


# ------------------------------------------------------------------------------------------------------ origin


def is_rendered(workload: facts.Workload) -> bool:
    """Whether the workload is what a Helm chart, or another project, made: rendered again, and not kept by hand."""
    if any(_OF_OTHERS.search(part) for part in workload.path.split("/")[:-1]):
        return True
    marks = (*workload.labels, *workload.annotations, *workload.pod_labels)
    return any(
        mark.key in _HELM_KEYS or (mark.key == "app.kubernetes.io/managed-by" and mark.value == "Helm")
        for mark in marks
    )
