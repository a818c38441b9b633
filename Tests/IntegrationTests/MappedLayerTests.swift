import Glibc
import Testing

/// Uppers that were written in a user namespace: their files have the owners that stand behind the
/// container's, and `diff` and `commit` tell the container's.
struct MappedLayerTests {
    private let script = """
        b=/bin/busybox; echo x > /new; $b rm /layer/gone; $b mkdir /layer/dir; echo 2 > /layer/text
        """
    private let changes = [
        "A /layer/dir/", "D /layer/gone", "M /layer/text", "A /new",
    ]

    /// Without what the runtime itself has made, in the order of the names.
    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter {
            !["A /dev/", "A /proc/", "A /sys/"].contains($0)
        }
    }

    private func write(_ box: Sandbox, below root: String) throws {
        try box.write("\(root)/layer/gone", "1\n")
        try box.write("\(root)/layer/text", "1\n")
    }

    private func listing(_ archive: String) throws -> String {
        let tar = try #require(Host.find("tar"))
        let outcome = try Running(
            tar, ["--numeric-owner", "-tvf", archive], environment: ["PATH=/usr/bin:/bin"]
        ).finish()
        try #require(outcome.code == 0, "\(outcome)")
        return outcome.output
    }

    @Test func `root's containers with mapped ids have their own owners in diff`() throws {
        try Sandbox.use { box in
            try write(box, below: "top")
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("top")))
            config.mapIDs()
            let thrown = try box.run(config, ["--diff"], arguments: ["sh", "-c", script])
            #expect(thrown.code == 0, "\(thrown)")
            #expect(lines(thrown.output) == changes, "\(thrown)")

            box.mayChange = ["state"]
            let kept = try box.run(
                config, ["--upper", box.path("state")], arguments: ["sh", "-c", script])
            #expect(kept.code == 0, "\(kept)")
            var status = stat()
            #expect(lstat(box.path("state/upper/new"), &status) == 0 && status.st_uid == 100_000)
            #expect(lines(try box.succeed("diff", box.path("state")).output) == changes)
            try box.succeed("commit", box.path("state"), "-o", box.path("state/new.tar"))
            let listing = try listing(box.path("state/new.tar"))
            #expect(listing.contains(" 0/0 ") && !listing.contains("100000"), "\(listing)")
        }
    }

    @Test func `an ordinary user's upper is read by its own marks`() throws {
        try Sandbox.use { box in
            try write(box, below: "rootfs")
            try box.prepareOrdinary()
            let kept = try box.runOrdinary(
                box.ordinaryConfig(), options: ["--upper", box.path("keep/state")],
                shell: script + "; $b rm -r /etc; $b mkdir /etc; echo 1 > /etc/one")
            #expect(kept.code == 0, "\(kept)")
            let outcome = try box.startOrdinary(["diff", box.path("keep/state")]).finish()
            #expect(outcome.code == 0, "\(outcome)")
            let found = lines(outcome.output)
            #expect(found.contains("D /layer/gone") && found.contains("A /new"), "\(found)")
            #expect(!found.contains { $0.contains("owner") || $0.contains("xattr") }, "\(found)")
            #expect(found.contains("A /etc/one"), "\(found)")
            try #require(
                box.startOrdinary([
                    "commit", box.path("keep/state"), "-o", box.path("keep/new.tar"),
                ]).finish().code == 0)
            let listing = try listing(box.path("keep/new.tar"))
            #expect(listing.contains("etc/.wh..wh..opq"), "\(listing)")
            #expect(listing.contains(" 0/0 "), "\(listing)")
            #expect(!listing.contains("\(OrdinaryUser.id)/"), "\(listing)")
        }
    }
}
