"""The client with vfs-run, which VFS_RUN names."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import unittest

from vfs_run import Batch, BatchError, File, Job, JobError, Server

BINARY = os.environ.get("VFS_RUN", "vfs-run")


def listens() -> bool:
    text = subprocess.run([BINARY, "batch", "--help"], capture_output=True, text=True).stdout
    return "--listen" in text


class InOneDirectory(unittest.TestCase):
    """vfs-run refuses to show the home directory and those of the system."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="vfs-run-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        before = pathlib.Path.cwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)


class Batches(InOneDirectory):
    def test_a_job_has_its_input_files_and_variables(self) -> None:
        with Batch(2, binary=BINARY) as batch:
            result = batch.run(
                Job(
                    ["sh", "-c", "cat; cat /tmp/f; echo $A; pwd; echo no >&2; exit 3"], key="k",
                    stdin="in\n", files={"/tmp/f": b"file\n"}, env={"A": "value"}, cwd="/tmp"))
            self.assertEqual(result.stdout, b"in\nfile\nvalue\n/tmp\n", result)
            self.assertEqual(result.stderr, b"no\n")
            self.assertEqual((result.status, result.exit_code, result.key), ("RE", 3, "k"))
            self.assertFalse(result.ok)
            self.assertGreater(result.wall_seconds or 0, 0)

    def test_many_jobs_give_each_its_result(self) -> None:
        with Batch(4, binary=BINARY) as batch:
            jobs = (Job(["sh", "-c", f"echo {n}"], key=n) for n in range(60))
            found = {result.key: result.stdout for result in batch.map(jobs)}
        self.assertEqual(found, {n: b"%d\n" % n for n in range(60)})

    def test_limits_are_those_of_the_job(self) -> None:
        with Batch(2, binary=BINARY) as batch:
            slow = batch.submit(Job(["sleep", "60"], limits={"wallTime": "200ms"}))
            loud = batch.submit(Job(["yes"], limits={"output": 10000}))
            self.assertEqual(slow.result().status, "TO")
            self.assertEqual(loud.result().status, "OL")

    def test_what_is_collected_comes_back(self) -> None:
        with Batch(1, binary=BINARY) as batch:
            script = "mkdir out; printf '\\377' > out/bytes; echo x > out/text; chmod 755 out/text"
            result = batch.run(Job(["sh", "-c", script], collect=["out/*"]))
            self.assertTrue(result.ok, result)
            self.assertEqual(result.files["out/bytes"].data, b"\xff")
            self.assertEqual(result.files["out/text"], File(b"x\n", 0o755))
            self.assertFalse(pathlib.Path("out").exists())

    def test_a_job_that_is_wrong_fails_alone(self) -> None:
        with Batch(1, binary=BINARY) as batch:
            with self.assertRaises(JobError):
                batch.run(Job([]))
            with self.assertRaises(JobError):
                batch.run(Job(["true"], limits={"nonsense": 1}))
            self.assertTrue(batch.run(["true"]).ok)
            self.assertEqual(batch.run(["/nonexistent"]).status, "CF")

    def test_a_batch_that_cannot_start_says_why(self) -> None:
        with self.assertRaisesRegex(BatchError, "--nonsense"):
            with Batch(binary=BINARY, options=["--nonsense"]) as batch:
                batch.run(["true"])
        with self.assertRaisesRegex(BatchError, "/nonexistent"):
            Batch(binary="/nonexistent")

    def test_a_batch_that_is_killed_fails_its_jobs(self) -> None:
        batch = Batch(1, binary=BINARY)
        running = batch.submit(["sleep", "60"])
        batch.kill()
        with self.assertRaises(BatchError):
            running.result()


@unittest.skipUnless(listens(), "this vfs-run has no --listen")
class Sessions(InOneDirectory):
    def test_files_stay_and_processes_do_not(self) -> None:
        with Server(jobs=2, binary=BINARY) as server, server.connect() as client:
            with client.session(files={"/tmp/given": "given\n"}, cwd="/tmp") as session:
                first = session.exec(["sh", "-c", "cat given; echo more > made; sleep 60 &"])
                self.assertEqual(first.stdout, b"given\n", first)
                second = session.exec(["sh", "-c", "cat made; ls /proc | grep -c '^[0-9]'"])
                self.assertTrue(second.stdout.startswith(b"more\n"), second)
                self.assertLessEqual(int(second.stdout.split()[-1]), 5)
                self.assertEqual(session.snapshot(), 1)
                session.put({"/tmp/put": File(b"\xff\0", 0o640)})
                found = session.get("/tmp/put", "/tmp/made", "/tmp/none", "/tmp")
                self.assertEqual(found["/tmp/put"], File(b"\xff\0", 0o640))
                self.assertEqual(found["/tmp/made"].text if found["/tmp/made"] else "", "more\n")
                self.assertIsNone(found["/tmp/none"])
                self.assertIsNone(found["/tmp"])
                session.undo(1)
                self.assertIsNone(session.get("/tmp/put")["/tmp/put"])
                limited = session.exec(["sleep", "60"], limits={"wallTime": 0.2})
                self.assertEqual(limited.status, "TO")

    def test_sessions_do_not_see_each_other(self) -> None:
        with Server(jobs=2, binary=BINARY) as server, server.connect() as client:
            with client.session(cwd="/tmp") as one, client.session(cwd="/tmp") as other:
                one.put({"/tmp/x": "1"})
                self.assertIsNone(other.get("/tmp/x")["/tmp/x"])
                self.assertTrue(client.run(["true"]).ok)

    def test_the_server_leaves_nothing(self) -> None:
        server = Server(binary=BINARY)
        folder = pathlib.Path(server.path).parent
        self.assertTrue(folder.exists())
        server.close()
        self.assertFalse(folder.exists())


if __name__ == "__main__":
    unittest.main()
