internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// A limit, and how much of it is used.
public struct LimitFact: Sendable {
    /// `memory`, `pids`, `cpu`, `open files`.
    public var name: String
    public var limit: UInt64
    public var use: UInt64?
    public var unit: Unit
    /// The file that has the limit, or where the config asks for it.
    public var place: String
    /// How often it was met; nil where nothing counts that.
    public var events: String?

    public enum Unit: Sendable {
        case bytes, count
        /// Thousandths of a CPU.
        case processors
    }

    /// The used part: 1 is all of it. More than that is possible where the limit was lowered, and is cut
    /// off at a thousand.
    public var share: Double? {
        guard let use, limit > 0 else { return nil }
        return min(Double(use) / Double(limit), 1000)
    }

    public init(
        _ name: String, _ limit: UInt64, use: UInt64?, _ unit: Unit, place: String,
        events: String? = nil
    ) {
        (self.name, self.limit, self.use, self.unit) = (name, limit, use, unit)
        (self.place, self.events) = (place, events)
    }

    /// Those of a process's control groups, and of its open files; the nearest to its limit first.
    static func all(
        of process: borrowing ProcessDirectory, files: Int?, _ unknown: inout [String]
    ) -> [LimitFact] {
        var found: [LimitFact] = []
        do throws(Failure) {
            let hierarchies = try Hierarchies.read(of: process.pid)
            for hierarchy in hierarchies.version1 {
                for row in LimitRow.version1 where hierarchy.controllers.contains(row.controller) {
                    add(row, hierarchy, &found)
                }
            }
            if let unified = hierarchies.version2 {
                for row in LimitRow.version2 { add(row, unified, &found) }
            }
        } catch {
            unknown.append("the limits of its control groups: \(error.message)")
        }
        if let files, let limit = openFiles(process) {
            found.append(
                LimitFact(
                    "open files", limit, use: UInt64(files), .count, place: "RLIMIT_NOFILE"))
        }
        return found.sorted { ($0.share ?? -1) > ($1.share ?? -1) }
    }

    /// The soft limit of `/proc/PID/limits`.
    private static func openFiles(_ process: borrowing ProcessDirectory) -> UInt64? {
        let text = process.text("limits") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line?.dropFirst("Max open files".count).split(separator: " ").first.flatMap {
            UInt64($0)
        }
    }

    /// The most control groups above each other that are looked at.
    private static let mostLevels = 64

    /// A limit counts for all control groups below it: each level is asked.
    private static func add(
        _ row: LimitRow, _ hierarchy: Hierarchies.Hierarchy, _ found: inout [LimitFact]
    ) {
        // Outside of this process's namespace of control groups.
        if hierarchy.own.split(separator: "/").contains("..") { return }
        var inner = hierarchy.own
        for _ in 0..<mostLevels {
            let path = hierarchy.path(inner)
            if let group = try? HostPath.open(path, [.path, .directory]),
                let fact = row.fact(GroupFiles(directory: group.borrowed), path)
            {
                found.append(fact)
            }
            guard inner != "/", let slash = inner.lastIndex(of: "/") else { return }
            inner = slash == inner.startIndex ? "/" : String(inner[..<slash])
        }
    }
}

/// The files of one control group.
struct GroupFiles {
    let directory: FileDescriptor

    func text(_ name: String) -> String? {
        guard let file = try? directory.open(name, [.readOnly, .nonBlocking]),
            let bytes = try? file.borrowed.readBytes(upTo: 4096)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nil for `max` as well.
    func number(_ name: String) -> UInt64? {
        text(name).flatMap { UInt64($0.prefix { $0 != "\n" }) }
    }

    /// The number behind a word in a file of lines `word number`.
    func value(_ name: String, _ key: String) -> UInt64? {
        for line in (text(name) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key { return UInt64(words[1]) }
        }
        return nil
    }
}
