internal import JSON
internal import LinuxSystem

/// What another plan does differently. Steps are matched by what they are about, so that one more step
/// changes nothing about those that follow it.
public struct PlanComparison {
    /// Of the first plan, and of the second; one of them alone is a step that the other lacks.
    private var pairs: [(old: Int?, new: Int?)] = []
    /// Those of the second plan that stand elsewhere among their equals.
    private var moved: Set<Int> = []
    private let old: [PlannedStep]
    private let new: [PlannedStep]
    private let oldLines: [String]
    private let newLines: [String]

    public init(_ first: Plan, _ second: Plan) {
        old = first.allSteps
        new = second.allSteps
        oldLines = PlanComparison.lines(first)
        newLines = PlanComparison.lines(second)
        match()
    }

    /// Without numbers: side, what, where from.
    private static func lines(_ plan: Plan) -> [String] {
        let lines = plan.document.lines
        return plan.allSteps.map {
            "\($0.step.summary.printable(upTo: .longestMessage))"
                + "  (\(plan.place(of: $0.origin, lines).printable))"
        }
    }

    private mutating func match() {
        var partner: [Int: Int] = [:]
        var taken: Set<Int> = []
        // First those that are equal, then those about the same thing, then those of one kind.
        let keys: [(PlannedStep) -> String?] = [
            { PlanComparison.kind($0) + "\0" + $0.step.summary },
            { planned in planned.step.subject.map { PlanComparison.kind(planned) + "\0" + $0 } },
            { $0.step.subject == nil ? PlanComparison.kind($0) : nil },
        ]
        for key in keys {
            var waiting: [String: [Int]] = [:]
            for index in old.indices.reversed() where !taken.contains(index) {
                if let name = key(old[index]) { waiting[name, default: []].append(index) }
            }
            for index in new.indices where partner[index] == nil {
                guard let name = key(new[index]), let found = waiting[name]?.popLast() else {
                    continue
                }
                partner[index] = found
                taken.insert(found)
            }
        }
        var next = 0
        for index in new.indices {
            // What the first plan has before the partner of this one.
            if let found = partner[index] {
                while next < found {
                    if !taken.contains(next) { pairs.append((next, nil)) }
                    next += 1
                }
                next = max(next, found + 1)
            }
            pairs.append((partner[index], index))
        }
        for index in next..<max(next, old.count) where !taken.contains(index) {
            pairs.append((index, nil))
        }
        let matched = new.indices.filter { partner[$0] != nil }
        let kept = PlanComparison.longestRising(matched.map { partner[$0] ?? 0 })
        moved = Set(matched.enumerated().filter { !kept.contains($0.offset) }.map(\.element))
    }

    private static func kind(_ planned: PlannedStep) -> String {
        type(of: planned.step).manual.name
    }

    /// The positions of a longest part of `values` in which every value is larger than the one before.
    private static func longestRising(_ values: [Int]) -> Set<Int> {
        var ends: [Int] = []
        var before = [Int](repeating: -1, count: values.count)
        for (position, value) in values.enumerated() {
            var (low, high) = (0, ends.count)
            while low < high {
                let middle = (low + high) / 2
                if values[ends[middle]] < value { low = middle + 1 } else { high = middle }
            }
            if low > 0 { before[position] = ends[low - 1] }
            if low == ends.count { ends.append(position) } else { ends[low] = position }
        }
        var kept: Set<Int> = []
        var position = ends.last ?? -1
        while position >= 0 {
            kept.insert(position)
            position = before[position]
        }
        return kept
    }

    /// A line for each difference: `-` the first plan alone, `+` the second alone, `~` changed, `>` at
    /// another place. Empty where both do the same.
    public var text: String {
        var text = ""
        for (old, new) in pairs {
            switch (old, new) {
            case (let old?, nil): text += "- \(side(self.old[old]))\(oldLines[old])\n"
            case (nil, let new?): text += "+ \(side(self.new[new]))\(newLines[new])\n"
            case (let old?, let new?):
                let before = self.old[old].step.summary
                if before != self.new[new].step.summary {
                    text += "~ \(side(self.old[old]))\(oldLines[old])\n"
                    text += "  becomes    \(newLines[new])\n"
                } else if moved.contains(new) {
                    text += "> \(side(self.new[new]))\(newLines[new]), now "
                    text += new == 0 ? "first\n" : "after: \(newLines[new - 1])\n"
                }
            case (nil, nil): break
            }
        }
        return text
    }

    private func side(_ planned: PlannedStep) -> String {
        planned.side == .runtime ? "runtime    " : "container  "
    }
}
