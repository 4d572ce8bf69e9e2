"""What a ``bentofile.yaml`` says."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import YAML, Diagnostic, Fact, Place, Reader, Wanted, YamlFile


class Bento(Fact, frozen=True, kw_only=True):
    """A bento: *service* as written (``service:Summarizer``), and the packages that its image gets."""

    service: str
    packages: tuple[tuple[str, Place], ...] = ()
    lock_packages: bool = True

    @property
    def identity(self) -> str:
        return f"bento:{self.path}"


def _claims(path: str) -> bool:
    return path.rpartition("/")[2] in ("bentofile.yaml", "bentofile.yml")


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents:
        service = document.get("service")
        if service is None or service.text is None:
            yield Diagnostic(document.place, "warning", "a bento without a service")
            continue
        packages = document.get("python", "packages")
        named = [(p.text, p.place) for p in packages.elements() if p.text] if packages is not None else []
        lock = document.get("python", "lock_packages")
        yield Bento(
            place=service.place,
            service=service.text,
            packages=tuple(named),
            lock_packages=lock is None or lock.scalar is not False,
        )


READER = Reader("bento", 1, YAML, (Bento,), _claims, _read)
