import Glibc
import Testing

/// `vfs-run help --completion SHELL`
struct CompletionTests {
    /// What bash offers for the last of these words.
    private func offers(_ box: Sandbox, _ words: String...) throws -> [String] {
        let script = try Running(Host.runtime, ["help", "--completion", "bash"]).finish()
        try #require(script.code == 0)
        box.mayChange.formUnion(["completion", "bin"])
        try box.write("completion", script.output)
        // The program under the name that the script knows.
        let path = try box.write(
            "bin/vfs-run", "#!/bin/sh\nexec '\(Host.runtime)' --root '\(box.stateRoot)' \"$@\"\n")
        chmod(path, 0o755)
        let ask = """
            source completion
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _vfs_run
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let outcome = try Running(
            "/bin/bash", ["-c", ask, "bash", "vfs-run"] + words,
            environment: ["PATH=\(box.path("bin")):/usr/bin:/bin", "HOME=/root"],
            directory: box.directory
        ).finish()
        #expect(outcome.code == 0 && outcome.error == "", "\(outcome)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test func `containers are offered by their ids, and signals and commands by their names`()
        throws
    {
        try Sandbox.use { box in
            try box.withContainer(box.id()) {
                try box.createAndStart(box.config())
                for command in ["kill", "exec", "state", "delete", "explain", "export"] {
                    #expect(try offers(box, command, "").contains(box.id()), "\(command)")
                    #expect(try !offers(box, command, "no-such").contains(box.id()))
                }
                #expect(try !offers(box, "create", "").contains(box.id()))
                #expect(try offers(box, "kill", box.id(), "T") == ["TERM", "TSTP"])
                #expect(try offers(box, "kill", "--all", box.id(), "US") == ["USR1", "USR2"])
                let root = ["--root", box.stateRoot]
                #expect(try offers(box, root[0], root[1], "state", "").contains(box.id()))
            }
            #expect(try offers(box, "help", "lay") == ["layers"])
            #expect(try offers(box, "sta") == ["start", "state"])
        }
    }

    @Test func `options are offered with their values, those before the command too`() throws {
        try Sandbox.use { box in
            #expect(try offers(box, "--log-f") == ["--log-format"])
            #expect(try offers(box, "--log-format", "") == ["text", "json"])
            #expect(try offers(box, "--debug", "list", "--format", "") == ["table", "json"])
            #expect(try offers(box, "plan", "--format", "") == ["text", "json", "sh"])
            #expect(try offers(box, "kill", "--a") == ["--all"])
            try box.write("bundle/config.json", "{}")
            #expect(try offers(box, "lint", "bundle/c") == ["bundle/config.json"])
        }
    }

    /// Their shells read them; what is offered is asked for in the same words.
    @Test(arguments: ["zsh", "fish"]) func `of other shells have the same words`(_ shell: String)
        throws
    {
        let text = try Running(Host.runtime, ["help", "--completion", shell]).finish().output
        for words in ["vfs-run list -q", "vfs-run list --sandboxes -q", "USR1", "log-format"] {
            #expect(text.contains(words), "\(words)")
        }
        // A quote in a help text ends no string.
        if shell == "fish" {
            for line in text.split(separator: "\n") {
                var rest = Array(line.utf8)
                var quotes = 0
                while let byte = rest.first {
                    rest.removeFirst(byte == 0x5c && rest.count > 1 ? 2 : 1)
                    if byte == 0x27 { quotes += 1 }
                }
                #expect(quotes.isMultiple(of: 2), "\(line)")
            }
        }
        guard let path = Host.find(shell) else { return }
        try Sandbox.use { box in
            let checked = try Running(path, ["-n", box.write("script", text)]).finish()
            #expect(checked.code == 0, "\(checked)")
        }
    }
}
