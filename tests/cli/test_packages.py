"""Packages by command."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Pack, Promontory


def test_packages_are_listed_with_their_newest_version(stocked: Promontory) -> None:
    listed = stocked.json("package", "list", "--feed", "npm-dev")
    assert [(p.get("group", ""), p["name"], p["version"], p["versions"]) for p in listed] == [
        ("@acme", "ui", "1.0.0", 1),
        ("", "one", "2.0.0", 2),
    ]
    assert "@acme/ui" in stocked("package", "list", "--feed", "npm-dev")


def test_a_long_list_says_that_there_is_more(stocked: Promontory) -> None:
    result = stocked.run("package", "list", "--feed", "npm-dev", "--limit", 1)
    assert "1 of 2" in result.stderr
    assert "one" in stocked("package", "list", "--feed", "npm-dev", "--limit", 1, "--offset", 1)


def test_versions_are_listed_newest_first(stocked: Promontory) -> None:
    listed = stocked.json("package", "versions", "one", "--feed", "npm-dev")
    assert [version["version"] for version in listed] == ["2.0.0", "1.0.0"]
    assert len(listed[0]["files"][0]["sha256"]) == 64
    assert "2.0.0" in stocked("package", "versions", "one", "--feed", "npm-dev")


def test_the_same_bytes_again_are_fine(stocked: Promontory, pack: Pack) -> None:
    assert "was there already" in stocked("package", "upload", pack("one", "1.0.0"), "--feed", "npm-dev")


def test_other_bytes_under_a_version_are_a_conflict(stocked: Promontory, pack: Pack, tmp_path: Path) -> None:
    import gzip

    path = pack("one", "1.0.0")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=1))
    message = stocked.refused("package", "upload", path, "--feed", "npm-dev", code=3)
    assert message.startswith("one-1.0.0.tgz: npm-dev already holds one 1.0.0")


def test_what_is_no_package_is_refused_by_name(stocked: Promontory, tmp_path: Path) -> None:
    (tmp_path / "bad.tgz").write_bytes(b"nothing")
    assert stocked.refused("package", "upload", tmp_path / "bad.tgz", "--feed", "npm-dev").startswith("bad.tgz: ")


def test_uploading_into_a_feed_of_promotions_is_refused(stocked: Promontory, pack: Pack) -> None:
    stocked("feed", "set", "npm-prod", "--promotions-only")
    assert "promotions only" in stocked.refused("package", "upload", pack("one", "3.0.0"), "--feed", "npm-prod")


def test_a_version_is_downloaded_as_it_was_uploaded(stocked: Promontory, pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    printed = stocked("package", "download", "one", "--feed", "npm-dev", "--output", tmp_path / "out")
    assert Path(printed.strip()).read_bytes() == pack("one", "2.0.0").read_bytes()
    stocked("package", "download", "one", "1.0.0", "--feed", "npm-dev", "--output", tmp_path / "mine.tgz")
    assert (tmp_path / "mine.tgz").read_bytes() == pack("one", "1.0.0").read_bytes()


def test_a_version_is_downloaded_to_stdout(stocked: Promontory, pack: Pack) -> None:
    result = stocked.run("package", "download", "one", "1.0.0", "--feed", "npm-dev", "--output", "-")
    assert result.stdout_bytes == pack("one", "1.0.0").read_bytes()


def test_a_download_never_overwrites(stocked: Promontory, tmp_path: Path) -> None:
    (tmp_path / "mine.tgz").write_bytes(b"precious")
    words = ("package", "download", "one", "1.0.0", "--feed", "npm-dev", "--output", tmp_path / "mine.tgz")
    assert "is there already" in stocked.refused(*words, code=3)
    assert (tmp_path / "mine.tgz").read_bytes() == b"precious"


def test_bytes_that_are_gone_leave_no_empty_file(stocked: Promontory, tmp_path: Path) -> None:
    for path in stocked.blobs():
        path.unlink()
    words = ("package", "download", "one", "1.0.0", "--feed", "npm-dev", "--output", tmp_path / "mine.tgz")
    assert "fsck" in stocked.refused(*words)
    assert not (tmp_path / "mine.tgz").exists()


def test_one_version_is_deleted_and_the_others_stay(stocked: Promontory) -> None:
    assert "1 version of one" in stocked("package", "delete", "one", "1.0.0", "--feed", "npm-dev", "--yes")
    assert [v["version"] for v in stocked.json("package", "versions", "one", "--feed", "npm-dev")] == ["2.0.0"]


def test_all_versions_are_deleted_only_by_name(stocked: Promontory) -> None:
    assert "--all" in stocked.refused("package", "delete", "one", "--feed", "npm-dev", "--yes")
    assert "2 versions of one" in stocked("package", "delete", "one", "--all", "--feed", "npm-dev", "--yes")
    assert [p["name"] for p in stocked.json("package", "list", "--feed", "npm-dev")] == ["ui"]
