import Foundation
import Glibc
import Testing

/// Changes of sandboxes, applied to the host.
struct ApplyTests {
    @Test(arguments: Caller.allCases)
    func `apply makes the host's directory what the sandbox shows, and undo what it was`(
        _ caller: Caller
    ) throws {
        try Sandbox.keeping(caller) { box, name in
            let before = TreeRecord(box.work)
            _ = try box.sandbox(
                caller, ["--name", name],
                shell: """
                    echo more >> file; mkdir -p new/deep; echo x > new/deep/x; ln new/deep/x new/y
                    rm -r folder; mkdir folder; echo y > folder/other; chmod 700 folder
                    ln -s new/y link; mkfifo pipe
                    """)
            #expect(TreeRecord(box.work).differences(to: before).isEmpty)
            let dry = try box.runtime(caller, ["apply", "--all", "--dry-run", name])
            #expect(dry.code == 0, "\(dry)")
            #expect(TreeRecord(box.work).differences(to: before).isEmpty)
            let applied = try box.runtime(caller, ["apply", "--all", name])
            #expect(applied.code == 0 && applied.output == dry.output, "\(applied)\n\(dry)")
            #expect(applied.output.contains("A \(box.work)/new/\n"))
            #expect(applied.output.contains("D \(box.work)/folder/inner\n"))
            #expect(box.read("work/file") == "before\nmore\n")
            #expect(box.read("work/new/y") == "x\n" && !box.exists("work/folder/inner"))
            let after = TreeRecord(box.work)
            #expect(after.entries["new/deep/x"]?.link == after.entries["new/y"]?.link)
            #expect(after.entries.values.allSatisfy { $0.owner == [caller.id, caller.id] })
            let again = try box.runtime(caller, ["apply", "--all", name])
            #expect(again.code == 0 && again.output.isEmpty, "\(again)")
            let undone = try box.runtime(caller, ["apply", "--undo", name])
            #expect(undone.code == 0, "\(undone)")
            let differences = before.differences(to: TreeRecord(box.work))
            #expect(differences.isEmpty, "\(differences)")
            let nothing = try box.runtime(caller, ["apply", "--undo", name])
            #expect(nothing.code == 1 && nothing.error.contains("nothing was applied"))
        }
    }

    @Test(arguments: Caller.allCases)
    func `a file that has changed on the host since is not overwritten`(_ caller: Caller) throws {
        try Sandbox.keeping(caller) { box, name in
            _ = try box.sandbox(
                caller, ["--name", name],
                shell: "echo box > file; echo box > new; echo box > other; rm -r folder")
            for (file, text) in [("file", "host\n"), ("new", "host\n"), ("folder/inner", "host\n")]
            {
                try box.write("work/\(file)", text)
                lchown(box.path("work/\(file)"), caller.id, caller.id)
            }
            let applied = try box.runtime(caller, ["apply", "--all", name])
            #expect(applied.code == 3, "\(applied)")
            #expect(box.read("work/file") == "host\n" && box.read("work/new") == "host\n")
            #expect(box.read("work/folder/inner") == "host\n")
            #expect(box.read("work/other") == "box\n")
            #expect(applied.error.contains("not applied: \(box.work)/file: it has changed"))
            let forced = try box.runtime(caller, ["apply", "--all", "--force", name])
            #expect(forced.code == 0, "\(forced)")
            #expect(box.read("work/file") == "box\n" && !box.exists("work/folder"))
            // Nor does an undo lose what was written since.
            try box.write("work/new", "later\n")
            let undone = try box.runtime(caller, ["apply", "--undo", name])
            #expect(undone.code == 3 && box.read("work/new") == "later\n", "\(undone)")
            #expect(box.read("work/file") == "host\n")
        }
    }

    @Test func `what runs by itself later and links that lead out need --guarded`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            _ = try box.sandbox(
                .ordinary, ["--name", name],
                shell: """
                    mkdir -p .git/hooks sub/.GIT; echo x > .git/hooks/pre-commit; echo x > sub/.GIT/config
                    echo x > .envrc; ln -s /etc/passwd out; ln -s file in; ln -s sub/../../x round
                    echo x > set; chmod 4755 set; echo x > plain
                    """)
            let diff = try box.runtime(.ordinary, ["diff", name])
            #expect(diff.output.contains("A \(box.work)/.envrc  guarded: direnv executes it\n"))
            #expect(diff.output.contains("A \(box.work)/plain\n"), "\(diff)")
            let applied = try box.runtime(.ordinary, ["apply", "--all", name])
            #expect(applied.code == 0, "\(applied)")
            let names = ["in", "plain", "sub"]
            #expect(names.allSatisfy { box.exists("work/\($0)") })
            for guarded in [".git", "sub/.GIT", ".envrc", "out", "round", "set"] {
                #expect(!box.exists("work/\(guarded)"), "\(guarded)")
                #expect(applied.error.contains("not applied: \(box.work)/\(guarded)"), "\(applied)")
            }
            let all = try box.runtime(.ordinary, ["apply", "--all", "--guarded", name])
            #expect(all.code == 0, "\(all)")
            #expect(box.exists("work/sub/.GIT/config") && box.exists("work/set"))
        }
    }

    @Test func `paths choose what is applied`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            _ = try box.sandbox(
                .ordinary, ["--name", name],
                shell: "mkdir -p a/b c; echo 1 > a/b/x; echo 2 > a/y; echo 3 > c/z; echo 4 > file")
            let neither = try box.runtime(.ordinary, ["apply", name])
            #expect(neither.code == 1 && neither.error.contains("--all"))
            let applied = try box.runtime(.ordinary, ["apply", name, "a/b", box.work + "/c"])
            #expect(applied.code == 0, "\(applied)")
            #expect(box.exists("work/a/b/x") && !box.exists("work/a/y") && box.exists("work/c/z"))
            #expect(box.read("work/file") == "before\n")
        }
    }

    @Test func `list names the kept sandboxes, and discard removes one`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            _ = try box.sandbox(.ordinary, ["--name", name], shell: "echo x > new; rm file")
            let list = try box.runtime(.ordinary, ["list", "--sandboxes"])
            #expect(list.output.contains(name) && list.output.contains(box.work), "\(list)")
            #expect(try box.runtime(.ordinary, ["apply", "--all", name]).code == 0)
            let discarded = try box.runtime(.ordinary, ["discard", name])
            #expect(discarded.code == 0, "\(discarded)")
            #expect(try !box.runtime(.ordinary, ["list", "--sandboxes"]).output.contains(name))
            #expect(!box.exists(box.sandboxes(.ordinary) + "/" + name))
            #expect(box.exists("work/new") && !box.exists("work/file"), "what was applied stays")
        }
    }

    @Test(arguments: Caller.allCases)
    func `a command that succeeds has its changes applied`(_ caller: Caller) throws {
        try Sandbox.keeping(caller) { box, name in
            let failed = try box.startSandbox(
                caller, ["--apply", "--name", name], ["sh", "-c", "echo x > new; exit 4"]
            ).finish()
            #expect(failed.code == 4 && !box.exists("work/new"), "\(failed)")
            let done = try box.startSandbox(
                caller, ["--apply", "--name", name], ["sh", "-c", "echo y > new"]
            ).finish()
            #expect(done.code == 0 && box.read("work/new") == "y\n", "\(done)")
        }
    }

    @Test func `a killed apply is completed by the same command, or taken back`() throws {
        try Sandbox.keeping(.root) { box, name in
            let script =
                "echo more >> file; mkdir -p new/deep; echo x > new/deep/x; rm -r folder; ln -s new folder"
            _ = try box.sandbox(.root, ["--name", name], shell: script)
            let before = TreeRecord(box.work)
            #expect(try box.runtime(.root, ["apply", "--all", name]).code == 0)
            let after = TreeRecord(box.work)
            #expect(try box.runtime(.root, ["apply", "--undo", name]).code == 0)
            var kills = 0
            for number in stride(from: 3, to: 2000, by: 11) {
                let killed = try box.runtime(
                    .root, ["apply", "--all", name], killedAt: number)
                if !killed { break }
                kills += 1
                let isBack = kills % 2 == 0
                let next = try box.runtime(
                    .root, isBack ? ["apply", "--undo", name] : ["apply", "--all", name])
                let isNothing = next.error.contains("nothing was applied")
                #expect(next.code == 0 || isBack && isNothing, "\(number) \(next)")
                let differences = (isBack ? before : after).differences(to: TreeRecord(box.work))
                #expect(differences.isEmpty, "\(number) \(differences)")
                if !isBack { _ = try box.runtime(.root, ["apply", "--undo", name]) }
            }
            #expect(kills > 10)
        }
    }

    @Test func `the upper of --upper is applied to its only layer`() throws {
        try Sandbox.use { box in
            try box.makeRoot("layer")
            box.mayChange = ["state", "layer"]
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([box.path("layer")])
            let run = try box.run(
                config, ["--upper", box.path("state")],
                arguments: ["sh", "-c", "echo x > /etc/new; chmod 711 /etc"])
            #expect(run.code == 0, "\(run)")
            let before = TreeRecord(box.path("layer"))
            let applied = try box.command("apply", "--all", "--guarded", box.path("state"))
            #expect(applied.code == 0 && box.read("layer/etc/new") == "x\n", "\(applied)")
            #expect(try box.command("apply", "--undo", box.path("state")).code == 0)
            let differences = before.differences(to: TreeRecord(box.path("layer")))
            #expect(differences.isEmpty, "\(differences)")
        }
    }

    @Test func `what is chosen at the terminal is applied`() throws {
        try Sandbox.keeping(.root) { box, name in
            let screen = try PseudoTerminal()
            let running = try Running(
                Host.runtime,
                [
                    "sandbox", "--ask", "--name", name, "--", "sh", "-c",
                    "echo 1 > one; echo 2 > two; rm file",
                ], environment: ["PATH=/usr/bin:/bin", "HOME=/root"],
                input: .terminal(screen.name), directory: box.work)
            try screen.waitFor("apply 3 changes? [y]es, [n]o, [c]hoose: ")
            screen.type("c\n")
            try screen.waitFor("/file [y/n/a/q]: ")
            screen.type("n\n")
            try screen.waitFor("/one [y/n/a/q]: ")
            screen.type("y\n")
            try screen.waitFor("/two [y/n/a/q]: ")
            screen.type("q\n")
            let outcome = try running.finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.exists("work/one") && !box.exists("work/two") && box.exists("work/file"))
        }
    }
}

extension Sandbox {
    /// A command of the runtime, killed before one of its system calls; false where it makes fewer.
    fileprivate func runtime(
        _ caller: Caller, _ words: [String], killedAt number: Int
    ) throws -> Bool {
        let run = try Running(
            Host.inject,
            ["-o", path("states/calls"), "runtime", String(number), "KILL", "--", Host.runtime]
                + words, environment: ["PATH=/usr/bin:/bin", "HOME=/root"], directory: work
        ).finish()
        #expect(run.code == 0, "\(run)")
        return read("states/calls").contains("signal 9")
    }
}
