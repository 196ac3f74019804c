"""The script that measures on a GPU, rehearsed: without a network and without Go, by what was built before."""
import os
import shutil
import subprocess

from programs import ROOT


def test_rehearsal(standin, tmp_path):
    subprocess.run(["scripts/gpu.sh", "--build"], cwd=ROOT, check=True)
    report = tmp_path / "report.md"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in "bash", "cat", "date", "dirname", "find", "git", "grep", "head", "ls", "mkdir", "nproc", "sed", "tail", "timeout":
        if path := shutil.which(name):
            (tools / name).symlink_to(path)
    alone = ["unshare", "-r", "-n"] if subprocess.run(["unshare", "-r", "-n", "true"], capture_output=True).returncode == 0 else []
    env = {"PATH": str(tools), "HOME": os.environ.get("HOME", "/")}
    command = [*(shutil.which(c) or c for c in alone[:1]), *alone[1:], tools / "bash", "scripts/gpu.sh", "--rehearse", report]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    text = report.read_text()
    assert done.returncode == 0, done.stdout + done.stderr + text
    assert "no figure below is of a GPU" in text
    for stage in "First look", "Timings", "Conformance":
        assert f"## {stage}\n\nPassed" in text, text
    assert "lm,8_starts" in text and "--- PASS: TestManyStarts" in text

    done = subprocess.run(command, cwd=ROOT, env=dict(env, LIMIT="0"), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Not run: the time is up." in report.read_text()


def test_without_a_gpu(tmp_path):
    if os.path.exists("/dev/nvidiactl") or shutil.which("nvidia-smi"):
        return
    done = subprocess.run(["scripts/gpu.sh", tmp_path / "report.md"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "no NVIDIA GPU here" in done.stderr and not (tmp_path / "report.md").exists()
