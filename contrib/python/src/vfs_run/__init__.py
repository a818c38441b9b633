"""Runs many programs that are not trusted, by ``vfs-run batch``.

    from vfs_run import Batch, Job

    with Batch(jobs=4, options=["-m", "256m", "--timeout", "10s"]) as batch:
        for result in batch.map(Job(["python3", "-c", f"print({n} ** 2)"]) for n in range(1000)):
            print(result.status, result.stdout)

docs/batch.md of vfs-run describes the jobs, the answers and the sessions.
"""

from ._channel import BatchError, JobError
from ._client import Batch, Client, Server, Session
from ._content import Content, File, Job, Result

__all__ = [
    "Batch",
    "BatchError",
    "Client",
    "Content",
    "File",
    "Job",
    "JobError",
    "Result",
    "Server",
    "Session",
]
