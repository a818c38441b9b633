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
                try check(box, options, RandomChanges(seed: seed &* 7919))
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
                try check(box, options, RandomChanges(seed: seed &* 6101), isThrownAway: true)
            }
        }
    }

    private func check(
        _ box: Sandbox, _ options: [String], _ changes: RandomChanges, isThrownAway: Bool = false
    ) throws {
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
        // Twice, so that changes of changes are among them.
        let state = ["--upper", box.path("state")]
        if isThrownAway { try box.createAndStart(config) }
        defer { if isThrownAway { _ = try? box.command("delete", "--force", box.id()) } }
        func run(_ script: String) throws -> Listing {
            let outcome =
                isThrownAway
                ? try box.command("exec", box.id(), "sh", "-c", script)
                : try box.run(config, state, arguments: ["sh", "-c", script])
            #expect(outcome.code == 0, "\(outcome)\n\(script)")
            return Listing(outcome.output)
        }
        let before = try run(list)
        try #require(before.entries.count > 10)
        var after = before
        for _ in 0..<2 {
            let script = changes.script(20)
            after = try run("(\(script)) 2> /dev/null; " + list)
            let place = isThrownAway ? box.id() : box.path("state")
            let outcome = try box.command("diff", "--json", "--all", place)
            try #require(outcome.code == 0, "\(outcome)")
            let found = try Value(parsing: outcome.output).array ?? []
            let predicted = before.applying(found)
            #expect(
                predicted.entries == after.entries, "\(options) \(script)\n\(outcome.output)")
            for change in found {
                guard let path = Listing.place(change["path"]), let old = before.sums[path],
                    let new = after.sums[path]
                else { continue }
                let isContent = (change["changed"].array ?? []).contains("content")
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

/// A source of trees and of commands that change them, the same for the same seed.
private final class RandomChanges {
    private var state: UInt64
    private static let names = ["a", "b", "c", "d", "a b", "ü", "x.y"]

    init(seed: UInt64) { state = seed }

    private func random(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    private func path() -> String {
        (0...random(3)).map { _ in Self.names[random(Self.names.count)] }.joined(separator: "/")
    }

    func makeLayer(_ box: Sandbox, _ name: String) throws {
        try box.makeDirectory("\(name)/data")
        for _ in 0..<30 {
            let path = "\(name)/data/\(path())"
            if random(3) == 0 {
                _ = try? box.makeDirectory(path)
            } else if !box.exists(path) {
                _ = try? box.write(path, String(repeating: "x", count: random(9)))
            }
        }
    }

    /// Commands of a shell, of which some fail.
    func script(_ count: Int) -> String {
        var lines = ["cd /data"]
        for _ in 0..<count {
            let (one, other) = ("'\(path())'", "'\(path())'")
            switch random(15) {
            case 0, 1: lines.append("mkdir -p \(one)")
            case 2: lines.append("rm -rf \(one)")
            case 3: lines.append("rm -rf \(one); mkdir -p \(one); echo n > \(one)/n")
            case 4: lines.append("mv \(one) \(other)")
            case 5: lines.append("echo \(random(100)) > \(one)")
            case 6: lines.append("echo more >> \(one)")
            case 7: lines.append("chmod \(["700", "755", "4711", "600"][random(4)]) \(one)")
            case 8: lines.append("chown \(random(3)):\(random(3)) \(one)")
            case 9: lines.append("touch \(one)")
            case 10: lines.append("chmod 700 \(one); chmod 755 \(one)")
            case 11: lines.append("ln \(one) \(other)")
            case 12: lines.append("ln -s target \(one)")
            case 13: lines.append("cp -a \(one) \(other)")
            default: lines.append("mkfifo \(one)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
