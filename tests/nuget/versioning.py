"""Ask the library that NuGet's own clients use, NuGet.Versioning of the SDK, what it makes of versions and ranges."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from tests.clients.dotnet import CACHE, LIBRARIES, SDK, DotnetHome, install, write_config

PROGRAM = """\
using System;
using System.Linq;
using NuGet.Versioning;

// One question a line, its parts apart by tabs; one answer a line.
static class Oracle
{
    static void Main()
    {
        for (string line; (line = Console.ReadLine()) != null;)
        {
            string[] asked = line.Split('\\t');
            try { Console.WriteLine(Answer(asked)); }
            catch (ArgumentException) { Console.WriteLine("invalid"); }
        }
    }

    static string Answer(string[] asked)
    {
        switch (asked[0])
        {
            case "version":
                var version = NuGetVersion.Parse(asked[1]);
                return version.ToNormalizedString() + " " + version.ToFullString() + " " + version.IsPrerelease
                    + " " + version.IsSemVer2;
            case "compare":
                return Math.Sign(NuGetVersion.Parse(asked[1]).CompareTo(NuGetVersion.Parse(asked[2]))).ToString();
            case "range":
                return VersionRange.Parse(asked[1]).ToNormalizedString();
            case "satisfies":
                return VersionRange.Parse(asked[1]).Satisfies(NuGetVersion.Parse(asked[2])).ToString();
            default:
                var best = VersionRange.Parse(asked[1]).FindBestMatch(asked.Skip(2).Select(NuGetVersion.Parse));
                return best == null ? "none" : best.ToFullString();
        }
    }
}
"""

PROJECT = """\
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>netcoreapp3.1</TargetFramework>
    <UseAppHost>false</UseAppHost>
  </PropertyGroup>
  <ItemGroup>
    <Reference Include="NuGet.Versioning"><HintPath>{library}</HintPath></Reference>
  </ItemGroup>
</Project>
"""


def ask(questions: Sequence[Sequence[str]]) -> list[str]:
    """Give the answer to each question: what is asked (``version``, ``satisfies``, ...), and about which texts."""
    install()
    lines = "".join("\t".join(question) + "\n" for question in questions)
    home = DotnetHome(CACHE / "oracle-home")
    done = subprocess.run(
        [str(SDK / "dotnet"), str(_program(home))],
        input=lines,
        env={**home.env, "LD_LIBRARY_PATH": str(LIBRARIES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


def _program(home: DotnetHome) -> Path:
    """Give the built program; it is built once, and anew when it has changed."""
    folder, library = CACHE / "oracle", SDK / "sdk" / "3.1.102" / "NuGet.Versioning.dll"
    built, source = folder / "out" / "oracle.dll", folder / "Oracle.cs"
    with FileLock(CACHE / ".oracle-lock", timeout=300):
        if built.exists() and source.exists() and source.read_text() == PROGRAM:
            return built
        folder.mkdir(exist_ok=True)
        (folder / "oracle.csproj").write_text(PROJECT.format(library=library))
        write_config(folder, {})
        source.write_text(PROGRAM)
        home.dotnet("build", "--nologo", "-c", "Release", "-o", str(folder / "out"), cwd=folder)
    return built
