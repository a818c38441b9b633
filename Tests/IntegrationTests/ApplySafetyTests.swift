import CLinux
import Foundation
import Glibc
import Testing

/// What apply must not do: lose a file of the host, or change one that was not chosen.
struct ApplySafetyTests {
    // MARK: What is chosen

    @Test func `a directory that is chosen for its mode is applied without what is in it`() throws {
        try Sandbox.keeping(.root) { box, name in
            let screen = try PseudoTerminal()
            let running = try Running(
                Host.runtime,
                [
                    "sandbox", "--ask", "--name", name, "--", "sh", "-c",
                    "chmod 700 folder; echo changed > folder/inner; echo x > folder/other",
                ], environment: ["PATH=/usr/bin:/bin", "HOME=/root"],
                input: .terminal(screen.name), directory: box.work)
            try screen.waitFor("apply 3 changes? [y]es, [n]o, [c]hoose: ")
            screen.type("c\n")
            for (path, answer) in [
                ("/folder/inner", "n"), ("/folder/other", "n"), ("/folder/", "y"),
            ] {
                try screen.waitFor("\(path) [y/n/a/q]: ")
                screen.type("\(answer)\n")
            }
            let outcome = try running.finish()
            #expect(outcome.code == 0, "\(outcome)")
            #expect(box.read("work/folder/inner") == "inner\n" && !box.exists("work/folder/other"))
            let mode = TreeRecord(box.work).entries["folder"]?.mode
            #expect(mode.map { $0 & 0o777 } == 0o700)
        }
    }

    // MARK: Moved directories

    private func moving<Result>(
        _ script: String, _ body: (Sandbox, String, Value) throws -> Result
    ) throws -> Result {
        try Sandbox.use { box in
            try box.makeRoot("layer")
            try box.write("layer/moved/old", "old\n")
            try box.write("layer/other/file", "file\n")
            box.mayChange = ["state", "layer"]
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([box.path("layer")])
            config["vfs"]["overlay"]["options"] = ["redirect_dir=on"]
            let run = try box.run(
                config, ["--upper", box.path("state")], arguments: ["sh", "-c", script])
            #expect(run.code == 0, "\(run)")
            return try body(box, box.path("state"), config)
        }
    }

    @Test func `a part of a move is told apart, and what is left is not lost`() throws {
        try moving("mv /moved /new; echo x > /other/file") { box, state, config in
            let before = TreeRecord(box.path("layer"))
            // What has nothing to do with the move can go first.
            let first = try box.command("apply", state, "other")
            #expect(first.code == 0 && box.read("layer/other/file") == "x\n", "\(first)")
            let removal = try box.command("apply", state, "moved")
            #expect(removal.code == 0 && !box.exists("layer/moved"), "\(removal)")
            // The upper shows a directory without the old file from here on.
            let rest = try box.command("apply", "--all", state)
            #expect(rest.code == 1 && rest.error.contains("moved files"), "\(rest)")
            let run = try box.run(config, ["--upper", state], arguments: ["sh", "-c", ":"])
            #expect(run.code != 0 && run.error.contains("--undo"), "\(run)")
            #expect(try box.command("apply", "--undo", state).code == 0)
            let again = try box.run(config, ["--upper", state], arguments: ["sh", "-c", ":"])
            #expect(again.code == 0, "\(again)")
            let all = try box.command("apply", "--all", state)
            #expect(all.code == 0 && box.read("layer/new/old") == "old\n", "\(all)")
            #expect(try box.command("apply", "--undo", state).code == 0)
            #expect(try box.command("apply", "--undo", state).code == 0)
            let differences = before.differences(to: TreeRecord(box.path("layer")))
            #expect(differences.isEmpty, "\(differences)")
        }
    }

    // MARK: What the host does meanwhile

    @Test func `an apply that was killed does not take later changes for its own`() throws {
        try Sandbox.keeping(.root) { box, name in
            _ = try box.sandbox(
                .root, ["--name", name], shell: "echo new > new; echo more >> file")
            try box.kill(["apply", "--all", name], after: "renameat2", 1)
            // It is the apply's, and its time is noted nowhere.
            #expect(box.read("work/file") == "before\nmore\n" && !box.exists("work/new"))
            try box.write("work/file", "edited on the host\n")
            let next = try box.runtime(.root, ["apply", "--all", name])
            #expect(next.code == 3 && box.read("work/new") == "new\n", "\(next)")
            let undone = try box.runtime(.root, ["apply", "--undo", name])
            #expect(undone.code == 3 && !box.exists("work/new"), "\(undone)")
            #expect(box.read("work/file") == "edited on the host\n")
            let forced = try box.runtime(.root, ["apply", "--undo", "--force", name])
            #expect(forced.code == 0 && box.read("work/file") == "before\n", "\(forced)")
        }
    }

    @Test func `an apply by force that was killed is completed by force`() throws {
        try Sandbox.keeping(.root) { box, name in
            _ = try box.sandbox(.root, ["--name", name], shell: "rm -r folder")
            try box.write("work/folder/inner", "host\n")
            #expect(try box.runtime(.root, ["apply", "--all", name]).code == 3)
            let words = ["apply", "--all", "--force", name]
            try box.kill(words, after: "renameat2", 0)
            let next = try box.runtime(.root, words)
            #expect(next.code == 0 && !box.exists("work/folder"), "\(next)")
            #expect(try box.runtime(.root, ["apply", "--undo", name]).code == 0)
            #expect(box.read("work/folder/inner") == "host\n")
        }
    }

    @Test func `an error between the rename and the look puts the file back`() throws {
        try Sandbox.keeping(.root) { box, name in
            _ = try box.sandbox(.root, ["--name", name], shell: "echo more >> file")
            try box.kill(["apply", "--all", name], after: "renameat2", 1, fault: "13")
            #expect(box.read("work/file") == "before\n")
            let next = try box.runtime(.root, ["apply", "--all", name])
            #expect(box.read("work/file") == "before\nmore\n", "\(next)")
        }
    }

    @Test func `a descriptor that a process has open gains nothing by new rights`() throws {
        try Sandbox.keeping(.root) { box, name in
            _ = try box.sandbox(
                .root, ["--name", name], shell: "chmod 755 file; chmod 600 folder/inner")
            let file = open(box.path("work/file"), O_WRONLY | O_APPEND)
            defer { close(file) }
            let inode = TreeRecord(box.work).entries["folder/inner"]?.link
            #expect(try box.runtime(.root, ["apply", "--all", name]).code == 0)
            #expect(Glibc.write(file, "gained\n", 7) == 7)
            #expect(box.read("work/file") == "before\n")
            #expect(TreeRecord(box.work).entries["folder/inner"]?.link == inode)
        }
    }

    // MARK: The store in the tree

    @Test func `only the store that an apply has made is filled and emptied`() throws {
        try Sandbox.use { box in
            try box.makeRoot("layer")
            box.mayChange = ["layer", "spare"]
            try box.write("layer/etc/passwd", "old\n")
            let state = "/dev/shm/vfs-run-apply-\(box.directory.suffix(6))"
            defer { try? FileManager.default.removeItem(atPath: state) }
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([box.path("layer")])
            let run = try box.run(
                config, ["--upper", state],
                arguments: [
                    "sh", "-c", "echo x > /etc/passwd; mkdir /.vfs-run-apply-1; echo x > /new",
                ])
            #expect(run.code == 0, "\(run)")
            let applied = try box.command("apply", "--all", "--guarded", state)
            #expect(applied.code == 0 && applied.error.contains("/.vfs-run-apply-1/"), "\(applied)")
            #expect(!box.exists("layer/.vfs-run-apply-1"))
            let names = try FileManager.default.contentsOfDirectory(atPath: box.path("layer"))
            let store = try #require(names.first { $0.hasPrefix(".vfs-run-apply-") }, "\(names)")
            // Another process lets another directory of root's take its place.
            try box.write("spare/precious", "x")
            chmod(box.path("spare"), 0o700)
            rename(box.path("layer/\(store)"), box.path("layer/away"))
            rename(box.path("spare"), box.path("layer/\(store)"))
            for words in [["apply", "--undo"], ["apply", "--all"]] {
                let refused = try box.launch(words + [state]).finish()
                #expect(refused.code == 1 && refused.error.contains(store), "\(refused)")
            }
            #expect(box.read("layer/\(store)/precious") == "x")
            rename(box.path("layer/\(store)"), box.path("spare"))
            rename(box.path("layer/away"), box.path("layer/\(store)"))
            #expect(try box.command("apply", "--undo", state).code == 0)
            #expect(box.read("layer/etc/passwd") == "old\n" && !box.exists("layer/\(store)"))
        }
    }

    // MARK: Attributes

    @Test func `attributes that a journal cannot hold and labels of the host are left out`() throws
    {
        let place = "/dev/shm/vfs-run-apply-\(getpid())-large"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try Sandbox.use { box in
            try box.makeRoot("layer")
            box.mayChange = ["layer"]
            try FileManager.default.createDirectory(
                atPath: "\(place)/layer/folder", withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: box.path("layer"), toPath: "\(place)/layer/root")
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value(["\(place)/layer/root"])
            let run = try box.run(
                config, ["--upper", "\(place)/state"],
                arguments: ["sh", "-c", "chmod 711 /etc; echo x > /etc/passwd; echo x > /new"])
            #expect(run.code == 0, "\(run)")
            let upper = "\(place)/state/upper"
            let value = [UInt8](repeating: 1, count: 60_000)
            for number in 0..<75 {
                #expect(
                    clinux_lsetxattr("\(upper)/etc", "user.\(number)", value, value.count) == 0)
            }
            #expect(clinux_lsetxattr("\(upper)/new", "security.vfsrun", value, 10) == 0)
            let applied = try box.command("apply", "--all", "--guarded", "\(place)/state")
            #expect(applied.code == 0, "\(applied)")
            #expect(applied.error.contains("/etc/: its extended attributes are too large"))
            #expect(applied.error.contains("security.vfsrun"))
            #expect(Host.read("\(place)/layer/root/etc/passwd") == "x\n")
            let made = TreeRecord("\(place)/layer/root").entries["new"]
            #expect(made?.attributes["security.vfsrun"] == nil && made != nil)
            let undone = try box.command("apply", "--undo", "\(place)/state")
            #expect(undone.code == 0, "\(undone)")
            #expect(Host.read("\(place)/layer/root/etc/passwd") == box.read("layer/etc/passwd"))
        }
    }

    @Test func `an ordinary user's files that may not be written to have attributes`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            _ = try box.sandbox(
                .ordinary, ["--name", name],
                shell: "echo x > new; mkdir made; chmod 700 folder; chmod 640 file; touch file")
            let kept = box.sandboxes(.ordinary) + "/\(name)"
            let tree = try FileManager.default.contentsOfDirectory(atPath: kept).first {
                $0.hasPrefix("tree-")
            }
            let upper = "\(kept)/\(try #require(tree))/upper"
            for name in ["new", "made", "folder", "file"] {
                #expect(clinux_lsetxattr("\(upper)/\(name)", "user.a", "x", 1) == 0)
                chmod("\(upper)/\(name)", name == "new" || name == "file" ? 0o444 : 0o555)
            }
            let before = TreeRecord(box.work)
            let applied = try box.runtime(.ordinary, ["apply", "--all", name])
            #expect(applied.code == 0 && applied.error.isEmpty, "\(applied)")
            let after = TreeRecord(box.work).entries
            for name in ["new", "made", "folder", "file"] {
                #expect(after[name]?.attributes["user.a"] == Array("x".utf8))
                let isFile = name == "new" || name == "file"
                #expect(after[name].map { $0.mode & 0o777 } == (isFile ? 0o444 : 0o555))
            }
            #expect(try box.runtime(.ordinary, ["apply", "--undo", name]).code == 0)
            let differences = before.differences(to: TreeRecord(box.work))
            #expect(differences.isEmpty, "\(differences)")
        }
    }

    // MARK: Owners

    @Test func `files of subordinate ids are named and left out`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            let user = OrdinaryUser(hasSubordinates: true)
            let run = try box.asUser(
                user,
                [
                    "sandbox", "--quiet", "--name", name, "-u", "0", "--", "sh", "-c",
                    "echo x > own; echo x > other; chown 5:5 other; echo x > group; chgrp 5 group",
                ])
            #expect(run.code == 0, "\(run)")
            let applied = try box.asUser(user, ["apply", "--all", name])
            #expect(applied.code == 0 && !box.exists("work/other"), "\(applied)")
            #expect(applied.error.contains("/other: its owner 5:5 is not 0"), "\(applied)")
            let after = TreeRecord(box.work).entries
            #expect(after["own"]?.owner == [OrdinaryUser.id, OrdinaryUser.id])
            #expect(after["group"]?.owner.first == OrdinaryUser.id)
            #expect(try box.asUser(user, ["apply", "--undo", name]).code == 0)
            #expect(!box.exists("work/own") && !box.exists("work/group"))
            #expect(try box.asUser(user, ["discard", name]).code == 0)
        }
    }

    @Test func `an ordinary user's sandbox of the whole host changes no owner`() throws {
        try Sandbox.keeping(.ordinary) { box, name in
            let run = try box.sandbox(
                .ordinary, ["--base", "/", "--name", name], shell: "echo x > new")
            #expect(run.code == 0, "\(run)")
            let diff = try box.runtime(.ordinary, ["diff", name])
            #expect(diff.output.contains("/work/new\n"), "\(diff)")
            #expect(!diff.output.contains("owner"), "\(diff)")
            let dry = try box.runtime(.ordinary, ["apply", "--all", "--dry-run", name])
            #expect(dry.output == "A \(box.work)/new\n", "\(dry)")
        }
    }

    // MARK: discard

    @Test func `a damaged sandbox in use is not discarded`() throws {
        try Sandbox.keeping(.root) { box, name in
            let running = try box.startSandbox(
                .root, ["--quiet", "--name", name], ["sh", "-c", "echo ready; read line"],
                input: .open)
            _ = try running.readLine()
            let record = box.sandboxes(.root) + "/\(name)/sandbox.json"
            try Data("{".utf8).write(to: URL(fileURLWithPath: record))
            let refused = try box.runtime(.root, ["discard", name])
            #expect(refused.code == 1 && refused.error.contains("in use"), "\(refused)")
            running.closeInput()
            _ = try running.finish()
            #expect(try box.runtime(.root, ["discard", name]).code == 0)
            #expect(!box.exists(box.sandboxes(.root) + "/" + name))
        }
    }
}

extension Sandbox {
    /// A working directory of a caller's, and the name of a sandbox that is removed at the end.
    static func keeping<Result>(
        _ caller: Caller, _ body: (Sandbox, String) throws -> Result
    ) throws -> Result {
        try Sandbox.use { box in
            try box.prepareWork(caller)
            box.mayChange = ["states", "work"]
            let name = "apply-\(box.directory.suffix(6))"
            defer {
                try? FileManager.default.removeItem(atPath: box.sandboxes(caller) + "/" + name)
            }
            return try body(box, name)
        }
    }

    /// A command of the runtime, as a caller whose sandboxes are those of `sandbox`.
    func runtime(_ caller: Caller, _ words: [String]) throws -> Outcome {
        if caller == .ordinary { return try asUser(OrdinaryUser(), words) }
        return try Running(Host.runtime, words, environment: variables, directory: work).finish()
    }

    fileprivate func asUser(_ user: OrdinaryUser, _ words: [String]) throws -> Outcome {
        let line = try user.command(self, path("vfs-run"), words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            directory: work
        ).finish()
    }

    private var variables: [String] {
        ["PATH=/usr/bin:/bin", "HOME=\(path("states"))", "XDG_RUNTIME_DIR=\(path("states"))"]
    }

    /// Runs a command of root's, and kills it, or has a call fail, at the call that follows the
    /// `count`-th one of a name; with 0 before the first one. The command is taken back before, to see
    /// which call that is.
    fileprivate func kill(
        _ words: [String], after call: String, _ count: Int, fault: String = "KILL"
    ) throws {
        let undo = ["apply", "--undo", words[words.count - 1]]
        // The second one makes no directories of its own any more.
        for _ in 0..<2 {
            _ = try inject(["list"], words)
            #expect(try runtime(.root, undo).code == 0)
        }
        _ = try inject(["list"], words)
        let calls = read("states/calls").split(separator: "\n").filter {
            $0.hasPrefix("call runtime ")
        }
        #expect(try runtime(.root, undo).code == 0)
        let places = calls.indices.filter { calls[$0].split(separator: " ")[3] == call }
        let number = try #require(count == 0 ? places.first : places[count - 1] + 1) + 1
        let code = try inject(["runtime", String(number), fault], words)
        #expect(code == 0)
    }

    private func inject(_ what: [String], _ words: [String]) throws -> Int32 {
        try Running(
            Host.inject, ["-o", path("states/calls")] + what + ["--", Host.runtime] + words,
            environment: ["PATH=/usr/bin:/bin", "HOME=/root"], directory: work
        ).finish().code
    }
}
