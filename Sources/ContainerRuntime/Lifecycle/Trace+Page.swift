internal import CResources
internal import JSON
internal import LinuxSystem

extension Trace {
    /// One file of HTML that shows the start and needs nothing else: Sources/CResources/trace.html,
    /// with the data in it.
    public var page: String {
        let template = unsafe Array(
            UnsafeBufferPointer(start: cresources_trace_page(), count: cresources_trace_page_size())
        )
        let mark = Array("@DATA@".utf8)
        var index = 0
        while index + mark.count <= template.count {
            if template[index] == mark[0], template[index..<(index + mark.count)] == mark[...] {
                break
            }
            index += 1
        }
        return String(decoding: template[..<index], as: UTF8.self) + Trace.escaped(data.compactText)
            + String(decoding: template[min(index + mark.count, template.count)...], as: UTF8.self)
    }

    /// Inside of a script element nothing ends it, and nothing begins a comment. The page shows
    /// controls as their escapes.
    static func escaped(_ json: String) -> String {
        var text = ""
        text.reserveCapacity(json.utf8.count)
        for scalar in json.unicodeScalars {
            switch scalar {
            case "<": text += "\\u003c"
            case ">": text += "\\u003e"
            case "&": text += "\\u0026"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private var data: JSONOutput {
        let steps = shownSteps
        let spans = self.spans
        let origin = spans.map(\.start).min() ?? 0
        let lines = plan.document.lines
        let source = String(decoding: plan.document.bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let changes = PlanChanges(plan).steps
        let isObserved = plan.steps.contains { $0.step is Observe }
        var written: [JSONOutput] = []
        for span in spans {
            var members: [(key: String, value: JSONOutput)] = [
                ("does", .string(span.name.printable(upTo: .longestMessage))),
                ("side", .string(span.side.rawValue)), ("section", .string(span.category)),
                ("start", .unsigned(span.start - origin)), ("end", .unsigned(span.end - origin)),
            ]
            if let index = span.step {
                let byPlan = changes[steps[index].place]
                let seen = views.changes(of: index, planned: byPlan)
                members += self.members(
                    of: steps[index].planned, index, lines, source, seen ?? byPlan)
                members.append(("seen", .bool(seen != nil)))
            }
            written.append(.object(members))
        }
        return .object([
            ("file", .string(plan.file.printable(upTo: .longestName))),
            ("observed", .bool(isObserved)),
            ("spans", .array(written)),
            ("namespaces", .strings(plan.namespaces.names)),
            (
                "shared",
                .strings(
                    NamespaceKind.all.filter { !plan.namespaces.contains($0.flag) }.map(\.name))
            ),
            ("layers", .strings(plan.layers.map { $0.printable(upTo: .longestName) })),
            ("upper", upper.map { .string($0.printable(upTo: .longestName)) } ?? .null),
            ("written", self.written),
        ])
    }

    private func members(
        of planned: PlannedStep, _ index: Int, _ lines: JSONLines, _ source: [Substring],
        _ changes: [PlanChanges.Change]
    ) -> [(key: String, value: JSONOutput)] {
        let manual = type(of: planned.step).manual
        var commands = ShellCommands()
        planned.step.shell(&commands)
        var members: [(key: String, value: JSONOutput)] = [
            ("step", .integer(Int64(index + 1))), ("topic", .string(manual.name)),
            ("what", .string(manual.what)), ("why", .string(manual.why)),
            ("calls", .string(manual.calls)),
            ("origin", .string(plan.place(of: planned.origin, lines).printable)),
            (
                "commands",
                .strings(
                    commands.lines.filter { !$0.hasPrefix(ShellCommands.newStage) }
                        .map { $0.printable(upTo: .longestMessage) })
            ),
            (
                "changes",
                .array(
                    changes.map {
                        .strings([$0.what, $0.before, $0.after].map { $0.printable(upTo: 1024) })
                    })
            ),
        ]
        if case .config(let offset) = planned.origin, plan.document.words(at: offset) == nil {
            let number = lines.line(of: offset)
            if source.indices.contains(number - 1) {
                let line = String(source[number - 1].drop { $0 == " " })
                members.append(("line", .string(line.printable(upTo: 240))))
            }
        }
        return members
    }

    private var upper: String? {
        switch plan.overlay?.upper {
        case .throwaway(let size, _):
            "a tmpfs, thrown away" + (size.map { ", at most \($0.value)" } ?? "")
        case .kept(let directory): directory.value
        case nil: nil
        }
    }
}

extension Plan {
    fileprivate var overlay: OverlayAssembly? {
        for planned in steps {
            if let step = planned.step as? MountOverlay { return step.overlay }
            if let step = planned.step as? MountOverlayAside { return step.overlay }
        }
        return nil
    }

    /// The layers of the root, bottom first; none without an overlay.
    public var layers: [String] { overlay?.layers ?? [] }
}
