"""Commands after which pods of Kubernetes are new ones."""

from __future__ import annotations

import re

RESTARTS = re.compile(
    r"\brollout\s+restart\b|\bset\s+image\b|\bdelete\s+deploy(?:ments?)?\b|\breplace\s+--force\b|--recreate-pods\b"
    r"|\bskaffold\b|\bdelete\s+(?:pods?|po)\b(?=[^\n]*\s(?:-l|--selector|--all)\b)|\b(?:envsubst|sed)\b(?=[^\n]*\bkubectl\b)"
)
FILLS_IN = re.compile(r"\b(?:envsubst|sed|yq|kompose)\b|\bperl\s+-\w*i")
_TOOLS = ("kubectl", "kustomize", "helm", "skaffold")


def pod_restart(text: str) -> str:
    """The first command in the shell's *text* after which pods of Kubernetes are new ones, in short; "" if none is.

    Such commands restart or delete pods, or give them another image or template. https://kubernetes.io/docs/reference/kubectl/
    """
    if not any(tool in text for tool in _TOOLS):
        return ""
    found = RESTARTS.search(text)
    return " ".join(found[0].split()) if found else ""


def fills_in(text: str) -> re.Match[str] | None:
    """The first command in *text* that may write another image into a manifest, where ``kubectl`` is used as well."""
    return FILLS_IN.search(text) if "kubectl" in text else None
