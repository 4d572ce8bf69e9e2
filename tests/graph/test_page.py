"""The page: one file that fetches nothing, in which text of a repository stays text, usable without a mouse."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from collections.abc import Callable
from typing import Any

from pytest_mlbreaks.graph import formats, page
from pytest_mlbreaks.graph.model import Graph, Node
from pytest_mlbreaks.model import Tier

Many = Callable[[int], Graph]
VOID = {"meta", "input", "br", "link", "img", "base"}


class Elements(html.parser.HTMLParser):
    """Notes all elements with their attributes and the text of each, and holds that each is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)

    def all(self, name: str, value: str) -> list[dict[str, str | None]]:
        """The attributes of the elements that have this one, as a word of it."""
        return [attrs for _, attrs in self.found if value in (attrs.get(name) or "").split()]


def read(graph: Graph) -> tuple[str, Elements]:
    """The page of *graph*, and its elements."""
    text = page.write(graph)
    return text, Elements(text)


def data_of(text: str) -> Any:
    """What the script is given."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def test_the_page_is_well_formed(graph: Graph) -> None:
    """Each element is closed where it should be, and there is one thing drawn for each node, one line for each link."""
    _, elements = read(graph)
    assert len(elements.all("class", "node")) == len(graph.nodes)
    assert len([attrs for attrs in elements.all("class", "link") if "data-l" in attrs]) == len(graph.links)
    identifiers = [attrs["id"] for _, attrs in elements.found if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))


def test_text_of_a_repository_is_never_markup(hostile: Graph, many: Many) -> None:
    """Whatever it holds: no element, attribute or script that is not the page's own."""
    text, elements = read(hostile)
    plain = Elements(page.write(many(3)))
    assert {tag for tag, _ in elements.found} - {tag for tag, _ in plain.found} == set()
    assert len([1 for tag, _ in elements.found if tag == "script"]) == 2
    assert not [name for _, attrs in elements.found for name in attrs if name.startswith("on") or name == "style"]
    assert "alert(1)</script>" not in text
    label = hostile.nodes[0].label
    assert data_of(text)["nodes"][0]["label"] == label
    assert any((attrs["aria-label"] or "").startswith(label) for attrs in elements.all("class", "node"))


def test_nothing_is_fetched(hostile: Graph) -> None:
    """No address in any attribute or style, and a policy under which the browser would refuse one."""
    text, elements = read(hostile)
    for tag, attrs in elements.found:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            value = attrs.get(name)
            assert value is None or (tag == "a" and value.startswith("#"))
    style = "".join(elements.text["style"])
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [a["content"] or "" for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert text.isascii()


def test_the_policy_lets_its_own_script_and_style_run(many: Many) -> None:
    """The hashes in it are those of what stands in the page."""
    text, _ = read(many(3))
    for name, pattern in (("script-src", r"<script>(.*?)</script>"), ("style-src", r"<style>(.*?)</style>")):
        match = re.search(pattern, text, re.DOTALL)
        assert match is not None
        digest = base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()
        assert f"{name} &#39;sha256-{digest}&#39;" in text.replace("&#x27;", "&#39;")


def test_every_thing_can_be_reached_and_read_without_a_mouse() -> None:
    """Each is a button in the order of the tabs, and its name tells kind, environment, findings and how it is tied."""
    nodes = (
        Node(id="a", kind="step", label="fit", tool="airflow", tier=Tier.PROD),
        Node(id="b", kind="dataset", label="rows"),
    )
    _, elements = read(Graph(title="t", nodes=nodes, links=(), groups=()))
    drawn = elements.all("class", "node")
    assert all(attrs["role"] == "button" and attrs["tabindex"] == "0" for attrs in drawn)
    assert "fit, step, airflow, environment production, 0 in, 0 out" in [attrs["aria-label"] for attrs in drawn]
    labelled = {attrs.get("for") for tag, attrs in elements.found if tag == "label"}
    assert {"search", "tool"} <= labelled


def test_an_environment_is_not_told_by_colour_alone() -> None:
    """Also by a word on the thing; unknown has none."""
    nodes = tuple(Node(id=tier.value, kind="step", label="x", tier=tier) for tier in Tier)
    text, _ = read(Graph(title="t", nodes=nodes, links=(), groups=()))
    assert re.findall(r"<text [^>]*>((?:NON-)?PROD)</text>", text).count("PROD") == 1
    assert re.findall(r"<text [^>]*>((?:NON-)?PROD)</text>", text).count("NON-PROD") == 1


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_colours_have_enough_contrast() -> None:
    """WCAG AA, light and dark: 4.5 for text, 3 for borders, lines and marks."""
    style = (page._HERE / "page.css").read_text(encoding="ascii")
    pairs = {name: (a, b) for name, a, b in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)}
    fills = ("prod-fill", "nonprod-fill", "unknown-fill", "paper", "box", "ground")
    text = [(ink, fill) for ink in ("ink", "soft") for fill in fills]
    text += [("high", "paper"), ("medium", "paper"), ("low", "paper"), ("on-mark", "high"), ("on-mark", "medium")]
    text += [("on-mark", "low"), ("on-mark", "prod"), ("nonprod", "paper")]
    shapes = [("prod", "prod-fill"), ("nonprod", "nonprod-fill"), ("unknown", "unknown-fill"), ("accent", "box")]
    shapes += [
        (line, ground) for line in ("order", "data", "net", "made", "high", "accent") for ground in ("box", "ground")
    ]
    shapes += [(border, ground) for border in ("prod", "nonprod", "unknown") for ground in ("box", "ground")]
    weak = [
        (one, other, mode)
        for needed, names in ((4.5, text), (3.0, shapes))
        for one, other in names
        for mode in (0, 1)
        if contrast(pairs[one][mode], pairs[other][mode]) < needed
    ]
    assert weak == []


def test_a_page_shows_as_much_as_can_be_looked_at(many: Many) -> None:
    """300 things as they are; of 3,000 no more than it bears, and says what was folded."""
    assert len(data_of(formats.write(many(300), "html"))["nodes"]) == 300
    data = data_of(formats.write(many(3000), "html"))
    assert len(data["nodes"]) <= page.MOST_NODES
    assert sum(max(len(node["members"]), 1) for node in data["nodes"]) == 3000
    assert data["notes"] == [data["notes"][-1]]
    assert "are folded into" in data["notes"][0]
