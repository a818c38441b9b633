import Glibc
import Testing

/// `--collect PATTERN --output-directory DIR`: what a run wrote, copied out at its end.
struct CollectTests {
    private func collect(
        _ box: Sandbox, _ patterns: [String], _ script: String, options: [String] = [],
        directory: String = "/data"
    ) throws -> Outcome {
        var config = box.config()
        config["process"]["cwd"] = .string(directory)
        config.run(["sh", "-c", script])
        let file = try box.write("bundle/config.json", config.prettyText)
        let chosen = patterns.flatMap { ["--collect", $0] }
        return try Running(
            Host.runtime,
            chosen + ["--output-directory", box.path("results")] + options + [file]
        ).finish()
    }

    private func names(_ box: Sandbox) -> [String] {
        var found: [String] = []
        var left = [""]
        while let folder = left.popLast() {
            for name in TreeSnapshot.names(in: box.path("results/\(folder)")) {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                found.append(path)
                left.append(path)
            }
        }
        return found.sorted()
    }

    @Test func `relative patterns count from the working directory, absolute ones from the root`()
        throws
    {
        try Sandbox.use { box in
            let script =
                "mkdir -p out/deep /srv; echo 1 > out/a; echo 2 > out/deep/b; echo 3 > /srv/c"
            let relative = try collect(box, ["out/*"], script)
            #expect(relative.code == 0, "\(relative)")
            #expect(names(box) == ["out", "out/a", "out/deep", "out/deep/b"])
            #expect(box.read("results/out/deep/b") == "2\n")
            try #require(Running("/bin/rm", ["-r", box.path("results")]).finish().code == 0)
            let absolute = try collect(box, ["out/a", "/srv"], script)
            #expect(absolute.code == 0, "\(absolute)")
            #expect(
                names(box) == ["data", "data/out", "data/out/a", "srv", "srv/c"])
        }
    }

    @Test func `files that were only below are never collected`() throws {
        try Sandbox.use { box in
            let outcome = try collect(
                box, ["/etc"],
                "echo x > /etc/new; mv /etc/new /etc/newer; chmod 600 /etc/hostname || :",
                directory: "/")
            #expect(outcome.code == 0, "\(outcome)")
            let found = names(box)
            #expect(found.contains("etc/newer"))
            #expect(!found.contains("etc/passwd"), "\(found)")
        }
    }

    @Test func `regular files alone, without set-id bits, and the caller's`() throws {
        try Sandbox.use { box in
            let outcome = try collect(
                box, ["."],
                """
                echo a > a; chmod 6755 a; chown 1234:5 a; echo b > b; chmod 000 b; ln -s a link
                mkfifo fifo; mkdir empty; mknod null c 1 3 || :; ln b twin
                """)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(names(box) == ["a", "b", "twin"])
            for (name, mode) in [("a", 0o755 as mode_t), ("b", 0o600)] {
                var status = stat()
                try #require(lstat(box.path("results/\(name)"), &status) == 0)
                #expect(status.st_uid == geteuid() && status.st_gid == getegid())
                #expect(status.st_mode & 0o7777 == mode)
            }
        }
    }

    @Test func `links in the output directory are not followed`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("results")
            try box.link("results/a", to: box.path("canary/file"))
            let outcome = try collect(box, ["a"], "echo new > a")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("canary/file") == "untouched\n")
            #expect(box.read("results/a") == "new\n")
            try box.link("results/d", to: box.path("canary"))
            let refused = try collect(box, ["d"], "mkdir d; echo new > d/file")
            #expect(refused.code == 125)
            #expect(refused.error.contains("has the name of a directory"), "\(refused)")
            #expect(box.read("canary/file") == "untouched\n")
        }
    }

    @Test func `number and size have limits, and what is too much is an error`() throws {
        try Sandbox.use { box in
            let many = try collect(
                box, ["*"], "touch 1 2 3 4", options: ["--collect-limit", "1m,3"])
            #expect(many.code == 125)
            #expect(many.error.contains("more than 3 files"), "\(many)")
            #expect(names(box).count == 3)
            // A file that is mostly a hole counts as what it pretends to be.
            let large = try collect(
                box, ["big"], "dd if=/dev/zero of=big bs=1 count=1 seek=2097152 2>/dev/null",
                options: ["--collect-limit", "1m"])
            #expect(large.code == 125)
            #expect(!names(box).contains("big"))
        }
    }

    @Test func `a pattern that nothing matches is a warning`() throws {
        try Sandbox.use { box in
            let outcome = try collect(box, ["*.xml"], "echo a > a; exit 3")
            #expect(outcome.code == 3)
            #expect(outcome.error.contains("no file that matches \"*.xml\""), "\(outcome)")
        }
    }

    @Test func `of a kept upper the files of earlier runs count too`() throws {
        try Sandbox.use { box in
            let upper = ["--upper", box.path("state")]
            _ = try collect(box, ["none"], "echo 1 > first", options: upper)
            let outcome = try collect(box, ["*"], "echo 2 > second", options: upper)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(names(box) == ["first", "second"])
        }
    }

    @Test func `of a sandbox's working directory, which stays as it is`() throws {
        try Sandbox.use { box in
            try box.write("work/below", "old\n")
            try box.write("work/other", "other\n")
            let outcome = try Running(
                Host.runtime,
                [
                    "sandbox", "--collect", ".", "--output-directory", box.path("results"), "--",
                    "/bin/sh", "-c", "mkdir d; echo new > d/new; echo more >> below; rm other",
                ], environment: ["PATH=/usr/bin:/bin"], directory: box.path("work")
            ).finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(names(box) == ["below", "d", "d/new"])
            #expect(box.read("results/below") == "old\nmore\n")
            #expect(box.read("work/below") == "old\n")
            #expect(box.exists("work/other") && !box.exists("work/d"))
        }
    }

    @Test func `an ordinary user collects what its subordinate users wrote`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config["process"]["cwd"] = "/tmp"
            let outcome = try box.runOrdinary(
                config, OrdinaryUser(hasSubordinates: true),
                options: ["--collect", ".", "--output-directory", box.path("states/results")],
                shell: "echo a > a; chmod 600 a; mkdir d; echo b > d/b; chmod 000 d/b; chmod 700 d")
            #expect(outcome.code == 0, "\(outcome)")
            for name in ["a", "d", "d/b"] {
                var status = stat()
                try #require(lstat(box.path("states/results/\(name)"), &status) == 0, "\(outcome)")
                #expect(status.st_uid == OrdinaryUser.id)
            }
        }
    }

    @Test(arguments: [
        (["--output-directory", "x"], "--output-directory needs --collect"),
        (["--collect", "x"], "--collect needs --output-directory"),
        (["--collect", "../x", "--output-directory", "x"], "leads upwards"),
        (
            ["--collect", "x", "--output-directory", "x", "--collect-limit", "0"],
            "is not of the form"
        ),
    ])
    func `a command line that cannot be meant is refused`(options: [String], words: String) throws {
        try Sandbox.use { box in
            let outcome = try box.run(box.config(), options)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains(words), "\(outcome)")
        }
    }
}
