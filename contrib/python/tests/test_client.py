"""The client by itself: lines, order, and what becomes of a batch that ends."""

from __future__ import annotations

import pathlib
import unittest
from collections.abc import Iterator

from fake import FakeBatch

from vfs_run import BatchError, Client, File, Job, JobError
from vfs_run._content import decode_content, decode_files, encode_content, encode_files


class Lines(unittest.TestCase):
    def test_content_is_text_bytes_or_a_path(self) -> None:
        self.assertEqual(encode_content("ä\n"), {"text": "ä\n"})
        self.assertEqual(encode_content(b"\xff\0"), {"base64": "/wA="})
        self.assertEqual(encode_content(pathlib.Path("/a/b")), {"file": "/a/b"})
        self.assertTrue(encode_content(pathlib.Path("b"))["file"].startswith("/"))
        self.assertEqual(encode_content("\udcff"), {"base64": "/w=="})
        for content in ("", "ä", b"\xff"):
            self.assertEqual(decode_content(encode_content(content)), File(content).data)
        self.assertEqual(decode_content(None), b"")

    def test_files_have_modes_in_octal(self) -> None:
        files: dict[str, str | File] = {"/a": "x", "/b": File(b"y", 0o755)}
        self.assertEqual(
            encode_files(files), {"/a": {"text": "x"}, "/b": {"base64": "eQ==", "mode": "755"}})
        found = decode_files({"/b": {"text": "y", "mode": "644"}, "/c": None})
        self.assertEqual(found, {"/b": File(b"y", 0o644), "/c": None})

    def test_a_job_has_the_keys_that_are_given(self) -> None:
        self.assertEqual(Job(["true"]).encode(), {"args": ["true"]})
        job = Job(
            ["cat"], stdin="x", files={"/f": "y"}, env={"A": "b"}, cwd="/tmp",
            limits={"wallTime": 2, "memory": "64m"}, collect=["out/*"], base="/")
        self.assertEqual(
            job.encode(),
            {
                "args": ["cat"], "stdin": {"text": "x"}, "files": {"/f": {"text": "y"}},
                "env": {"A": "b"}, "cwd": "/tmp", "limits": {"wallTime": 2, "memory": "64m"},
                "collect": ["out/*"], "base": "/",
            })
        with self.assertRaises(TypeError):
            Job("echo hello").encode()


class Sessions(unittest.TestCase):
    def test_a_session_is_written_to_read_and_undone(self) -> None:
        with FakeBatch() as batch, Client(batch.path) as client:
            with client.session(files={"/a": "1"}) as session:
                self.assertEqual(session.exec(["cat"], stdin="in").stdout, b"in")
                self.assertEqual(session.snapshot(), 1)
                session.put({"/b": File(b"\xff", 0o600)})
                found = session.get("/a", "/b", "/c")
                self.assertEqual(found["/a"], File(b"1"))
                self.assertEqual(found["/b"], File(b"\xff", 0o600))
                self.assertIsNone(found["/c"])
                session.undo()
                self.assertIsNone(session.get("/b")["/b"])
            with self.assertRaisesRegex(JobError, "no session"):
                session.exec(["true"])

    def test_results_come_in_the_order_that_is_asked_for(self) -> None:
        with FakeBatch() as batch, Client(batch.path) as client:
            jobs = [Job([str(n)], key=n) for n in range(500)]
            found = [(r.key, r.stdout) for r in client.map(jobs, ordered=True, ahead=7)]
            self.assertEqual(found, [(n, b"%d" % n) for n in range(500)])
            self.assertEqual({r.key for r in client.map(iter(jobs), ahead=3)}, set(range(500)))

    def test_a_long_line_has_its_contents_in_files(self) -> None:
        with FakeBatch() as batch, Client(batch.path) as client:
            with client.session() as session:
                session.put({"/long": File(b"\xff" * (5 << 20), 0o640), "/short": "x"})
                found = session.get("/long", "/short")
            self.assertEqual(found["/long"], File(b"spilled", 0o640))
            self.assertEqual(found["/short"], File(b"x"))

    def test_an_answer_without_an_id_is_that_of_its_line(self) -> None:
        with FakeBatch() as batch, Client(batch.path) as client:
            with self.assertRaisesRegex(JobError, "too long"):
                client.run(["too", "long"])

    def test_jobs_are_read_as_they_are_needed(self) -> None:
        taken = []

        def jobs() -> Iterator[list[str]]:
            for n in range(1000):
                taken.append(n)
                yield [str(n)]

        with FakeBatch() as batch, Client(batch.path) as client:
            results = client.map(jobs(), ahead=5)
            next(results)
            self.assertLess(len(taken), 20)

    def test_a_batch_that_ends_fails_the_jobs_without_a_result(self) -> None:
        with FakeBatch() as batch, Client(batch.path) as client:
            with self.assertRaises(BatchError):
                client.run(["end"])
            with self.assertRaises(BatchError):
                client.run(["true"])

    def test_a_socket_that_is_not_there_is_named(self) -> None:
        with self.assertRaisesRegex(BatchError, "/nonexistent/socket"):
            Client("/nonexistent/socket")


if __name__ == "__main__":
    unittest.main()
