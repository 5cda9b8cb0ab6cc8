"""Every page by keyboard alone: Tab reaches all that a mouse could click, in order, and shows where it is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import sign_in
from tests.browser.test_journey import PAGES

pytestmark = pytest.mark.browser
# The API's page has a summary for each of its hundred parts, all of one kind.
LONG = {"API"}

REACHABLE = """() => {
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0;
  const radios = new Set();
  return [...document.querySelectorAll(wanted)].filter(shown).filter(e => {
    if (e.type !== 'radio') return true;
    // Of the buttons of a group Tab reaches one; the arrows reach the others.
    const group = e.form + e.name;
    return radios.has(group) ? false : radios.add(group);
  }).length;
}"""

FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  // A date has several parts, in each of which the focus is the field's.
  const still = e === window.lastFocused, again = e.dataset.seen === '1' && !still;
  window.lastFocused = e;
  e.dataset.seen = '1';
  const own = getComputedStyle(e), around = e.closest('label, .choice, .field, td');
  const marks = [own, ...(around ? [getComputedStyle(around)] : [])];
  const visible = marks.some(s => (s.outlineStyle !== 'none' && s.outlineWidth !== '0px') || s.boxShadow !== 'none');
  const name = e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.title || e.name || '';
  return {again, still, visible, name: name.trim().slice(0, 60), tag: e.tagName, order: e.tabIndex};
}"""


@pytest.mark.parametrize("scripts", [True], indirect=True)
@pytest.mark.parametrize("name", [name for name in PAGES if name not in LONG])
def test_tab_reaches_everything_and_shows_where_it_is(page: Page, name: str) -> None:
    sign_in(page)
    page.goto(PAGES[name])
    page.locator("html[data-ready]").wait_for()
    expected = page.evaluate(REACHABLE)
    page.evaluate("document.activeElement && document.activeElement.blur()")
    visited: list[dict[str, Any]] = []
    for _ in range(expected + 40):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here is not None and here["again"]:
            break
        # Past the end the browser's own controls have it; then it begins at the top.
        if here is not None and not here["still"]:
            visited.append(here)
    assert [each for each in visited if not each["visible"]] == []
    assert [each for each in visited if not each["name"]] == []
    assert [each for each in visited if each["order"] > 0] == []
    assert len(visited) >= expected
