"""The provider for inspect_ai, with vfs-run, which VFS_RUN names. inspect_ai checks it with its own checks."""

from __future__ import annotations

import os
import tempfile
import unittest

try:
    import inspect_ai  # noqa: F401
except ImportError as error:
    raise unittest.SkipTest("inspect_ai is not installed") from error

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import SandboxEnvironmentSpec, sandbox
from inspect_ai.util._sandbox import self_check
from test_batch import BINARY, listens

from vfs_run.inspect import VFSRunConfig, VFSRunSandboxEnvironment

CONFIG = VFSRunConfig(binary=BINARY, jobs=2)

#: Checks of what a session does not have, or does better.
NOT_THERE = {
    # A session has one user.
    "test_exec_as_user",
}


@unittest.skipUnless(listens(), "this vfs-run has no --listen")
class Provider(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="vfs-run-test-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    async def test_it_passes_the_checks_of_inspect(self) -> None:
        made = await VFSRunSandboxEnvironment.sample_init("checks", CONFIG, {})
        try:
            found: dict[str, BaseException | None] = {}
            for name in self_check.__all__:
                try:
                    await getattr(self_check, name)(made["default"])
                    found[name] = None
                except Exception as error:  # noqa: BLE001 - of any kind: the check has failed
                    found[name] = error
        finally:
            await VFSRunSandboxEnvironment.sample_cleanup("checks", CONFIG, made, False)
        failed = {name: reason for name, reason in found.items() if reason is not None}
        self.assertEqual(set(failed) - NOT_THERE, set(), failed)
        self.assertGreater(len(found), 30)

    async def test_each_sample_has_files_of_its_own(self) -> None:
        one = await VFSRunSandboxEnvironment.sample_init("a", CONFIG, {})
        other = await VFSRunSandboxEnvironment.sample_init("b", CONFIG, {})
        await one["default"].write_file("answer", "42")
        with self.assertRaises(FileNotFoundError):
            await other["default"].read_file("answer")
        result = await one["default"].exec(["cat", "answer"])
        self.assertEqual(result.stdout, "42")
        for made in (one, other):
            await VFSRunSandboxEnvironment.sample_cleanup("a", CONFIG, made, False)

    def test_a_task_runs_in_it(self) -> None:
        @solver
        def compute() -> Solver:
            async def solve(state: TaskState, generate: Generate) -> TaskState:
                result = await sandbox().exec(["sh", "-c", "echo $((6 * 7)); cat given"])
                state.output = ModelOutput.from_content("none", result.stdout)
                return state

            return solve

        task = Task(
            dataset=[Sample(input="x", target="42\ngiven", files={"given": "given"})],
            solver=compute(), scorer=includes(), sandbox=SandboxEnvironmentSpec("vfs_run", CONFIG))
        (log,) = eval(
            task, model=get_model("mockllm/model"), log_dir=os.path.join(os.getcwd(), "logs"),
            display="none")
        self.assertEqual(log.status, "success", log.error)
        assert log.results is not None
        self.assertEqual(log.results.scores[0].metrics["accuracy"].value, 1)


if __name__ == "__main__":
    unittest.main()
