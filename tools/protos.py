"""The generated code is what protoc makes of `proto/` today, or `make check` fails.

`python tools/protos.py` makes the stubs in a scratch folder and moves into the client's distribution what differs
there; with `--check` it only names what differs. Neither needs a network. Nobody edits the generated files.
"""

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "clients" / "python"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def generate(target: Path) -> None:
    """Write messages, their types, servicers and the types of asynchronous servicers and stubs below `target`."""
    proto = ROOT / "proto"
    plugin = Path(sys.executable).parent / "protoc-gen-mypy_grpc"  # the venv need not be activated
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}", f"--plugin={plugin}"]
    command += [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    command += [f"--mypy_grpc_out=only_async,quiet:{target}"]
    command += [str(source) for source in sorted(proto.rglob("*.proto"))]
    subprocess.run(command, check=True)


def generated(below: Path) -> set[Path]:
    """The paths of generated files, relative to `below`."""
    return {path.relative_to(below) for pattern in GENERATED for path in below.rglob(pattern)}


def stale(fresh: Path) -> list[Path]:
    """The checked-in files that differ from those below `fresh`, are missing, or have no source any more."""
    there, here = generated(fresh), generated(CLIENT)
    differ = {path for path in there & here if not filecmp.cmp(fresh / path, CLIENT / path, shallow=False)}
    return sorted(differ | (there ^ here))


def renew(fresh: Path, path: Path) -> None:
    """Make one checked-in file what it is below `fresh`, where it may be absent."""
    if (fresh / path).exists():
        shutil.copyfile(fresh / path, CLIENT / path)
    else:
        (CLIENT / path).unlink()


def main(arguments: list[str]) -> int:
    """Generate, or compare with `--check`; the exit status is 1 where a compared file is stale."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        generate(fresh)
        paths = stale(fresh)
        if arguments != ["--check"]:
            for path in paths:
                renew(fresh, path)
            return 0
    for path in paths:
        print(f"{(CLIENT / path).relative_to(ROOT)} is not what proto/ says: run `make gen` and commit it")
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
