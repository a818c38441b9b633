internal import JSON
internal import LinuxSystem

extension Plan {
    /// Where the container has mounts, and the directories above: `/new`, `/new/place`.
    public var mountPoints: Set<String> {
        var all: Set<String> = []
        for planned in steps {
            var names = (planned.step.mountpoint ?? "/").split(separator: "/")
            while !names.isEmpty {
                all.insert("/" + names.joined(separator: "/"))
                names.removeLast()
            }
        }
        return all
    }

    /// The mounts of the container as a tree: each below the one that it lies in, with its step and its
    /// origin. Of several on one path the last one is seen, and stands last.
    ///
    /// - Parameter columns: Of the screen; nil: there is none.
    public func treeText(columns: Int? = nil) -> String {
        var nodes: [MountNode] = []
        for (index, planned) in steps.enumerated() {
            guard let path = planned.step.mountpoint else { continue }
            nodes.append(MountNode(path: PathText.cleaned(path), step: index))
        }
        // In the order of the paths, and of the steps where they are equal.
        nodes.sort { ($0.parts, $0.step) < ($1.parts, $1.step) }
        let digits = String(steps.count).count
        var rows: [(tree: String, node: MountNode)] = []
        var open: [MountNode] = []
        for (position, node) in nodes.enumerated() {
            while let last = open.last, !node.lies(in: last) { open.removeLast() }
            let rest = nodes[(position + 1)...]
            var tree = ""
            for depth in open.indices.dropFirst() {
                tree +=
                    MountNode.hasMore(rest, in: open[depth - 1], after: open[depth]) ? "│  " : "   "
            }
            if let parent = open.last {
                tree += MountNode.hasMore(rest, in: parent, after: node) ? "├─ " : "└─ "
            }
            rows.append((tree + node.path.printable(upTo: .longestName), node))
            open.append(node)
        }
        let width = min(rows.map(\.tree.count).max() ?? 0, 48)
        let lines = document.lines
        var text = ""
        for (tree, node) in rows {
            let planned = steps[node.step]
            let number = String(node.step + 1)
            var first = tree + String(repeating: " ", count: max(width - tree.count, 0))
            first += "  " + String(repeating: " ", count: digits - number.count) + number + "  "
            let summary = planned.step.summary.printable(upTo: .longestMessage)
            let origin = "(\(place(of: planned.origin, lines).printable))"
            if let columns, first.count + summary.count + origin.count + 2 > columns {
                let words = "\(summary) \(origin)"
                text += HangingText.lines(first, words, columns: columns)
                    .map { $0 + "\n" }.joined()
            } else {
                text += "\(first)\(summary)  \(origin)\n"
            }
        }
        return text
    }
}

private struct MountNode {
    let path: String
    let step: Int
    let parts: [String]

    init(path: String, step: Int) {
        self.path = path
        self.step = step
        parts = path.split(separator: "/").map(String.init)
    }

    func lies(in other: MountNode) -> Bool {
        parts.count > other.parts.count && parts.starts(with: other.parts)
    }

    /// Whether another mount lies directly in `parent`, behind all that lie in `node`.
    static func hasMore(
        _ rest: ArraySlice<MountNode>, in parent: MountNode, after node: MountNode
    ) -> Bool {
        for other in rest {
            if other.lies(in: node) { continue }
            return other.lies(in: parent)
        }
        return false
    }
}

private func < (left: ([String], Int), right: ([String], Int)) -> Bool {
    left.0 == right.0 ? left.1 < right.1 : left.0.lexicographicallyPrecedes(right.0)
}
