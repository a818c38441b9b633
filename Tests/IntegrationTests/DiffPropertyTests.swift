import Glibc
import Testing

/// Random changes made in a container: `diff` says what a walk of before and after says.
struct DiffPropertyTests {
    @Test(arguments: [
        [], ["redirect_dir=on"], ["redirect_dir=on", "metacopy=on"], ["userxattr"],
    ])
    func `what diff says makes the tree after of the tree before`(_ options: [String]) throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            try Sandbox.use { box in
                try check(box, options, seed: seed)
            }
        }
    }

    /// Nobody has its upper: the tree that the kernel shows is compared.
    @Test(arguments: [[], ["redirect_dir=on", "metacopy=on"], ["userxattr"], ["index=on"]])
    func `the same of a container that throws its upper away, as long as it runs`(
        _ options: [String]
    ) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            try Sandbox.use { box in
                try check(box, options, seed: seed, isThrownAway: true)
            }
        }
    }

    private func check(
        _ box: Sandbox, _ options: [String], seed: UInt64, isThrownAway: Bool = false
    ) throws {
        let changes = RandomPrograms(seed: seed &* 7919)
        try changes.makeLayer(box, "low")
        try changes.makeLayer(box, "high")
        var config = box.config()
        config.grant([
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD",
        ])
        config["vfs"]["overlay"]["layers"] = Value([
            Host.base, box.probeLayer, box.path("low"), box.path("high"),
        ])
        config["vfs"]["overlay"]["options"] = Value(options)
        box.mayChange = ["state"]
        let list = """
            cd /data && find . -exec stat -c '%n|%F|%a|%u|%g|%s' {} + && find . -type f -exec md5sum {} +
            """
        // More than once, so that changes of changes are among them.
        let state = ["--upper", box.path("state")]
        var freezing: [String] = []
        if isThrownAway { try box.createAndStart(config) }
        defer { if isThrownAway { _ = try? box.command("delete", "--force", box.id()) } }
        func run(_ script: String) throws -> Listing {
            let outcome =
                isThrownAway
                ? try box.command("exec", box.id(), "sh", "-c", script)
                : try box.run(config, state + freezing, arguments: ["sh", "-c", script])
            #expect(outcome.code == 0, "\(outcome)\n\(script)")
            return Listing(outcome.output)
        }
        let before = try run(list)
        try #require(before.entries.count > 10)
        var after = before
        for round in 0..<3 {
            let script = changes.script(20)
            // In every other seed each run lies on a snapshot of the one before.
            if !isThrownAway && round > 0 && seed % 2 == 0 {
                freezing = ["--snapshot", "round\(round)"]
            }
            after = try run("(\(script)) 2> /dev/null; " + list)
            let place = isThrownAway ? box.id() : box.path("state")
            let outcome = try box.command("diff", "--json", "--all", place)
            try #require(outcome.code == 0, "\(outcome)")
            let found = try Value(parsing: outcome.output).array ?? []
            let predicted = before.applying(found)
            #expect(
                predicted.entries == after.entries,
                "seed \(seed) \(options) \(script)\n\(outcome.output)")
            for change in found {
                guard let path = Listing.place(change["path"]), let old = before.sums[path],
                    let new = after.sums[path]
                else { continue }
                let isContent = (change["changed"].array ?? []).contains("content")
                // In a directory that was emptied first everything is new.
                if change["change"] == "added" { continue }
                #expect(isContent == (old != new), "\(path) \(change.text)\n\(script)")
            }
            // What has changed is listed at all.
            for (path, old) in before.sums where after.sums[path] ?? old != old {
                #expect(found.contains { Listing.place($0["path"]) == path }, "\(path)\n\(script)")
            }
        }
    }
}

/// What `stat` and `md5sum` have said.
private struct Listing {
    struct Entry: Hashable {
        var kind: String
        var mode: String
        var owner: String
        /// Of a file.
        var size: Int64?
    }

    var entries: [String: Entry] = [:]
    var sums: [String: String] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "|").map(String.init)
            if fields.count == 6 {
                let kind = fields[1].hasPrefix("regular") ? "file" : fields[1]
                entries[Listing.cleaned(fields[0])] = Entry(
                    kind: kind, mode: fields[2], owner: "\(fields[3]):\(fields[4])",
                    size: kind == "file" ? Int64(fields[5]) : nil)
            } else if let space = line.firstIndex(of: " ") {
                let path = line[space...].drop { $0 == " " }
                sums[Listing.cleaned(String(path))] = String(line[..<space])
            }
        }
    }

    private static func cleaned(_ path: String) -> String {
        path == "." ? "" : String(path.dropFirst(2))
    }

    /// Below /data; nil elsewhere.
    static func place(_ path: Value) -> String? {
        guard let text = path.string else { return nil }
        if text == "/data" { return "" }
        return text.hasPrefix("/data/") ? String(text.dropFirst(6)) : nil
    }

    /// The tree that the changes make of this one.
    func applying(_ changes: [Value]) -> Listing {
        var result = self
        func below(_ path: String, _ other: String) -> Bool {
            path.isEmpty ? !other.isEmpty : other.hasPrefix(path + "/")
        }
        func remove(_ path: String) {
            for other in result.entries.keys where below(path, other) {
                result.entries[other] = nil
            }
        }
        for change in changes {
            guard let path = Listing.place(change["path"]) else { continue }
            let kind = change["change"].string ?? ""
            let after = change["after"]
            if after["type"] != "directory" || kind == "moved" || kind == "type"
                || (change["changed"].array ?? []).contains("emptied")
            {
                remove(path)
            }
            if kind == "deleted" {
                result.entries[path] = nil
                continue
            }
            if kind == "moved", let origin = Listing.place(change["from"]) {
                for (other, entry) in entries where below(origin, other) {
                    result.entries[path + other.dropFirst(origin.count)] = entry
                }
            }
            let type = after["type"].string ?? ""
            result.entries[path] = Entry(
                kind: type == "symlink" ? "symbolic link" : type,
                mode: after["mode"].string ?? "",
                owner: "\(after["uid"].integer ?? -1):\(after["gid"].integer ?? -1)",
                size: after["size"].integer)
        }
        return result
    }
}
