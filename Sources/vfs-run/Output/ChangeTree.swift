internal import Layers
internal import LinuxSystem

/// Changes as a tree, each directory with the number of changes in it and the bytes that they add.
struct ChangeTree {
    private struct Node {
        var letter = " "
        var details = ""
        var isDirectory = true
        var count = 0
        var growth: Int64 = 0
    }

    /// By the names on the way: a container decides how many there are, and how long they are.
    private var nodes: [[String]: Node] = [:]
    private var unlisted = 0
    private static let most = 200_000
    private static let deepest = 64

    mutating func add(_ change: Change) {
        let names = change.path.text.split(separator: "/").map(String.init)
        for depth in 0..<min(names.count, ChangeTree.deepest) {
            let above = Array(names[..<depth])
            if nodes.count >= ChangeTree.most && nodes[above] == nil { break }
            nodes[above, default: Node()].count += 1
            nodes[above, default: Node()].growth.add(upToLimit: change.growth)
        }
        let isFull = nodes.count >= ChangeTree.most && nodes[names] == nil
        if isFull || names.count > ChangeTree.deepest {
            unlisted += 1
            return
        }
        var node = nodes[names] ?? Node()
        node.letter = change.kind.letter
        node.isDirectory = change.isDirectory
        node.details = change.guarded.map { "  guarded: \($0)" } ?? ""
        if !change.isDirectory { node.growth = change.growth }
        nodes[names] = node
    }

    /// The whole tree, the root first.
    var text: String {
        if nodes.isEmpty { return "nothing changed\n" }
        var rows: [(tree: String, node: Node)] = []
        for names in nodes.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let node = nodes[names] else { continue }
            let indent = String(repeating: "  ", count: names.count)
            let name = (names.last ?? "").printable(upTo: .longestName)
            rows.append(("\(node.letter) \(indent)\(name)\(node.isDirectory ? "/" : "")", node))
        }
        let width = min(rows.map(\.tree.count).max() ?? 0, 60)
        var text = ""
        for (tree, node) in rows {
            text += tree + String(repeating: " ", count: max(width - tree.count, 0))
            let bytes =
                node.growth == 0
                ? "" : "\(node.growth > 0 ? "+" : "-")\(Bytes.words(node.growth.magnitude))"
            text += "  " + String(repeating: " ", count: max(10 - bytes.count, 0)) + bytes
            if node.count > 0 { text += "  \(node.count) change\(node.count == 1 ? "" : "s")" }
            text += node.details.printable + "\n"
            while text.hasSuffix(" \n") { text.removeLast(2); text += "\n" }
        }
        if unlisted > 0 { text += "and \(unlisted) more, which the sizes include\n" }
        return text
    }
}

/// A number of bytes for people.
enum Bytes {
    /// `512`, `1.2k`, `34M`.
    static func words(_ bytes: UInt64) -> String {
        if bytes < 1024 { return "\(bytes)" }
        var (value, unit) = (bytes, 0)
        let units = ["", "k", "M", "G", "T", "P", "E"]
        while value >= 1024 * 1024 {
            value /= 1024
            unit += 1
        }
        let (whole, tenth) = (value / 1024, value % 1024 * 10 / 1024)
        return (whole < 10 ? "\(whole).\(tenth)" : "\(whole)") + units[unit + 1]
    }
}
