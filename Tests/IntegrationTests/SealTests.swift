import Glibc
import Testing

/// The runtime's own binary, which a container must never get hold of (CVE-2019-5736).
struct SealTests {
    @Test func `the binary is static`() throws {
        let bytes = try #require(Host.bytes(Host.runtime))
        #expect(bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]))
        // Program headers: none is PT_INTERP (3).
        func number(_ offset: Int, _ size: Int) -> Int {
            bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let kinds = (0..<number(56, 2)).map { number(number(32, 8) + $0 * number(54, 2), 4) }
        #expect(!kinds.contains(3))
    }

    @Test func `the running runtime cannot be opened for writing, by root either`() throws {
        try Sandbox.use { box in
            let run = try box.start(box.config(), arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let path = "/proc/\(run.pid)/exe"
            #expect(Host.link(path) == "/")
            for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_APPEND] {
                let file = open(path, flags | O_CLOEXEC)
                #expect(file == -1 && (errno == EROFS || errno == ETXTBSY))
                if file >= 0 { close(file) }
            }
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }

    /// A container whose program is the runtime itself, through the kernel's link, while another
    /// one in the same pid namespace tries to open every process's binary for writing.
    @Test func `no container gets at the binary through another's start`() throws {
        try Sandbox.use { box in
            let before = try #require(Host.bytes(Host.runtime))
            try box.write("evil/evil", "#!/proc/self/exe\n", mode: 0o755)
            try box.makeDirectory("evil/bin")
            try box.link("evil/bin/sh", to: "/proc/self/exe")
            try box.link("evil/bin/link", to: "/proc/1/exe")
            var config = box.config()
            let everything = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]
            config.grant(everything)
            let attacker = try box.start(config, arguments: ["/probe", "--attack"], input: .open)
            _ = try attacker.readLine()
            let container = try #require(HostProcess.initProcess(of: attacker.pid))
            config.share("pid")
            config["linux"]["namespaces"].append(
                ["type": "pid", "path": "/proc/\(container)/ns/pid"])
            for program in ["/evil", "sh", "/bin/link", "/proc/self/exe", "/proc/1/exe"] {
                for _ in 0..<8 {
                    let victim = try box.start(
                        config, ["--layer", box.path("evil")], arguments: [program, "/evil"])
                    _ = try victim.finish()
                }
            }
            attacker.closeInput()
            let report = try Value(parsing: try attacker.readLine())
            _ = try attacker.finish()
            #expect((report["seen"].integer ?? 0) > 0, "\(report)")
            // The probe of a container may be written: it is the container's own. Of it there is
            // none but the attacker, which leaves itself out.
            #expect(report["opened"] == 0, "\(report)")
            #expect(Host.bytes(Host.runtime) == before)
        }
    }

    @Test func `a container cannot see into its own start`() throws {
        try Sandbox.use { box in
            let facts = try box.probe(box.config(), ["read:/proc/1/environ", "lstat:/proc/1/exe"])
            #expect(facts.found("lstat:/proc/1/exe")["target"] == "/probe")
            #expect(facts.found("read:/proc/1/environ").string?.hasPrefix("PATH=") == true)
        }
    }
}
