import Glibc
import Testing

/// HOME, where config.json names none.
struct HomeTests {
    private func home(
        _ box: Sandbox, user: Int64, _ change: (inout Value) throws -> Void = { _ in }
    ) throws -> [String] {
        var config = box.config()
        config["process"]["user"] = ["uid": .integer(user), "gid": 1000]
        try change(&config)
        let facts = try box.probe(config, options: ["--layer", box.path("layer")])
        return (facts["env"].array ?? []).compactMap(\.string).filter { $0.hasPrefix("HOME=") }
    }

    @Test func `is what the image's passwd says, or the root`() throws {
        try Sandbox.use { box in
            try box.write(
                "layer/etc/passwd", "root:x:0:0::/r:\nwww:x:33:33::/var/www:/bin/sh\n", mode: 0o600)
            #expect(try home(box, user: 0) == ["HOME=/r"])
            #expect(try home(box, user: 33) == ["HOME=/var/www"], "though the user may not read it")
            #expect(try home(box, user: 34) == ["HOME=/"])
        }
    }

    @Test func `is what a passwd that is mounted says`() throws {
        try Sandbox.use { box in
            try box.write("layer/etc/passwd", "www:x:33:33::/image:\n")
            let mounted = try box.write("passwd", "www:x:33:33::/mounted:\n")
            let found = try home(box, user: 33) {
                $0["mounts"].append(Config.bind(mounted, "/etc/passwd"))
            }
            #expect(found == ["HOME=/mounted"])
        }
    }

    @Test func `is the config's where it has one`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer")
            #expect(
                try home(box, user: 0) { $0["process"]["env"] = ["HOME=/own"] } == ["HOME=/own"])
            #expect(try home(box, user: 0) { $0["process"]["env"] = ["HOME="] } == ["HOME=/root"])
        }
    }

    /// CVE-2024-9676.
    @Test func `does not wait for a fifo, and reads nothing of the host's`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer/etc")
            mkfifo(box.path("layer/etc/passwd"), 0o644)
            #expect(try home(box, user: 0) == ["HOME=/"])
            unlink(box.path("layer/etc/passwd"))
            let outside = try box.write("outside", "root:x:0:0::/outside:\n")
            try box.link("layer/etc/passwd", to: outside)
            #expect(try home(box, user: 0) == ["HOME=/"])
        }
    }

    @Test func `does not depend on what the filter allows`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("layer")
            let found = try home(box, user: 1000) {
                $0["linux"]["seccomp"] = [
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [["names": ["openat2", "open"], "action": "SCMP_ACT_ERRNO"]],
                ]
            }
            #expect(found == ["HOME=/"])
        }
    }
}
