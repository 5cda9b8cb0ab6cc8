"""What the window does natively for its pages: save dialogs, open dialogs, links to elsewhere.

All of it happens on Qt's side of the page. pywebview's own bridge needs ``eval``, which our pages forbid, and a page
that shows other people's READMEs is better off without one: it can download, choose files and follow links, as in
any browser, and nothing else.

pywebview has no hooks for these; four methods of its Qt classes are replaced, where they are the ones known.
"""

from __future__ import annotations

import logging
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)
_OUTSIDE = ("http", "https", "mailto")
_MESSAGE_MS = 10_000


@dataclass(slots=True)
class Bridge:
    """Serve the pages of one origin (``http://127.0.0.1:8624``)."""

    origin: str
    folder: Path = field(default_factory=Path.home)
    """Where dialogs open: where the last file was."""
    saving: set[str] = field(default_factory=set)
    """Files that are being saved."""

    def belongs_here(self, url: str) -> bool:
        """Tell whether a page may be shown in the window; every other one belongs to the browser."""
        asked, ours = urlsplit(url), urlsplit(self.origin)
        return asked.scheme in ("about", "blob", "data") or (asked.scheme, asked.netloc) == (ours.scheme, ours.netloc)

    def open_outside(self, url: str) -> None:
        """Open a link in the browser; anything but the web and mail is ignored."""
        if urlsplit(url).scheme in _OUTSIDE:
            webbrowser.open(url)

    # Qt's side ----------------------------------------------------------------------------------------

    def install(self, qt: Any, storage: Path) -> bool:
        """Replace what pywebview's Qt module lacks; tell whether it is the module that is known."""
        view: Any = getattr(qt, "BrowserView", None)
        page: Any = getattr(view, "WebPage", None)
        known = hasattr(qt, "_profile_storage_path") and hasattr(view, "on_download_requested")
        if not known or page is None or not hasattr(view, "NavigationHandler"):
            log.warning("this version of pywebview is not known; downloads in the window may not work")
            return False
        # Read when the module is imported, which is before anybody could set it.
        qt._profile_storage_path = str(storage)  # noqa: SLF001 - pywebview offers no other way
        bridge = self

        def accept(_page: Any, url: Any, _kind: Any, is_main_frame: bool) -> bool:  # noqa: FBT001 - Qt's signature
            return bridge.accept(url.toString(), is_main_frame=is_main_frame)

        def choose(_page: Any, mode: Any, _old: Any, accepted: Any) -> list[str]:
            return bridge.choose(qt.QFileDialog, mode, accepted)

        def download(view: Any, request: Any) -> None:
            bridge.download(qt.QFileDialog, view, request)

        def leave(_handler: Any, url: Any, _kind: Any, _is_main_frame: bool) -> bool:  # noqa: FBT001 - Qt's signature
            bridge.open_outside(url.toString())
            return False

        page.acceptNavigationRequest, page.chooseFiles, view.on_download_requested = accept, choose, download
        view.NavigationHandler.acceptNavigationRequest = leave
        return True

    def accept(self, url: str, *, is_main_frame: bool) -> bool:
        """Decide whether the window goes to an address; one that is not ours goes to the browser."""
        if not is_main_frame or self.belongs_here(url):
            return True
        self.open_outside(url)
        return False

    def choose(self, dialog: Any, mode: Any, accepted: Any) -> list[str]:
        """Ask which files to upload; ``accepted`` holds the page's endings and types."""
        endings = " ".join(f"*{each}" for each in accepted if str(each).startswith("."))
        filters = f"Packages ({endings});;All files (*)" if endings else ""
        several = getattr(mode, "value", mode) == 1
        ask = dialog.getOpenFileNames if several else dialog.getOpenFileName
        answer = ask(None, "Upload", str(self.folder), filters)[0]
        chosen = [path for path in ([answer] if isinstance(answer, str) else answer) if path]
        if chosen:
            self.folder = Path(chosen[0]).parent
        return chosen

    def download(self, dialog: Any, view: Any, request: Any) -> None:
        """Ask where to save a file, and save it there."""
        suggested = str(self.folder / Path(request.suggestedFileName()).name)
        path = dialog.getSaveFileName(view, "Save", suggested)[0]
        if not path:
            request.cancel()
            return
        target = Path(path)
        self.folder = target.parent
        request.setDownloadDirectory(str(target.parent))
        request.setDownloadFileName(target.name)
        self.saving.add(path)
        request.isFinishedChanged.connect(lambda: self._saved(view, request, path))
        view.statusBar().showMessage(f"Saving {target.name} ...")
        request.accept()

    def _saved(self, view: Any, request: Any, path: str) -> None:
        self.saving.discard(path)
        done = request.state() == type(request).DownloadState.DownloadCompleted
        words = f"Saved {path}" if done else f"{path} was not saved: {request.interruptReasonString()}"
        view.statusBar().showMessage(words, _MESSAGE_MS)
