internal import LinuxSystem
internal import Seccomp

extension Explanation {
    /// - Parameter columns: Of the terminal.
    public func text(columns: Int) -> String {
        var page = Page(columns: columns)
        page.heading(title.printable(upTo: .longestName))
        addNamespaces(&page)
        addIdentity(&page)
        addCapabilities(&page)
        addSeccomp(&page)
        addMounts(&page)
        addLimits(&page)
        addSecurity(&page)
        addDescriptors(&page)
        addChange(&page)
        if !unknown.isEmpty {
            page.heading("Not known")
            for sentence in unknown { page.note(sentence) }
        }
        addWays(&page)
        return page.text
    }

    private func addNamespaces(_ page: inout Page) {
        if namespaces.isEmpty { return }
        page.heading("Namespaces")
        var rows: [(kinds: [String], words: String)] = []
        for fact in namespaces {
            let words = fact.words(isPlanned: isPlanned)
            if let index = rows.firstIndex(where: { $0.words == words }) {
                rows[index].kinds.append(fact.kind)
            } else {
                rows.append(([fact.kind], words))
            }
        }
        for row in rows { page.row(row.kinds.joined(separator: ", "), row.words) }
    }

    private func addIdentity(_ page: inout Page) {
        page.heading("User")
        let ids = [identity.user.map { "uid \($0)" }, identity.group.map { "gid \($0)" }]
        let outside = isPlanned ? "inside" : "of the caller's user namespace"
        page.row(
            "ids",
            "\(ids.compactMap(\.self).joined(separator: ", ")) \(outside)".origin(identity.place))
        for (name, ranges) in [("uid map", identity.users), ("gid map", identity.groups)] {
            let words =
                identity.isHosts
                ? "every id is that of the host"
                : ranges.prefix(16).map {
                    "\($0.inside) to \($0.outside), \($0.count) id\($0.count == 1 ? "" : "s")"
                }.joined(separator: "; ")
            page.row(name, words)
        }
    }

    private func addLimits(_ page: inout Page) {
        page.heading("Limits, the nearest first")
        if limits.isEmpty { page.note("none") }
        for fact in limits { page.row(fact.name, "\(fact.words)".origin(fact.place)) }
        if let next = limits.first, let share = next.share {
            page.note("Next to its limit: \(next.name), \(Int(share * 100)) %.")
        }
    }

    private func addSecurity(_ page: inout Page) {
        page.heading("Other")
        if let isOn = security.noNewPrivileges {
            page.row(
                "no_new_privs",
                (isOn ? "on: no program gives it more rights" : "off: set-user-ID programs work")
                    .origin(security.place))
        }
        if !isPlanned {
            let words =
                switch security.isDumpable {
                case true?: "yes: processes of its user may look into it"
                case false?: "no: only root may look into it"
                case nil: "cannot be told of a process of root"
                }
            page.row("dumpable", words)
        }
        for label in security.labels {
            page.row(label.module.isEmpty ? "label" : label.module, label.text)
        }
        if security.labels.isEmpty && !isPlanned { page.row("label", "none") }
        if !isPlanned { page.row("Landlock", "the kernel does not tell whether it confines it") }
    }

    private func addDescriptors(_ page: inout Page) {
        if isPlanned { return }
        page.heading("Open descriptors outside of its mounts")
        if descriptors.isEmpty { page.note("none") }
        for file in descriptors {
            let kind = file.isDirectory ? "directory" : file.isWritable ? "writable" : "read-only"
            page.row("\(file.number)", "\(kind): \(file.target)")
        }
    }

    private func addChange(_ page: inout Page) {
        guard let change else { return }
        page.heading("What a user namespace would change")
        for rule in change.rules { page.note("- " + rule) }
        for step in change.added { page.row("added", step) }
        for step in change.removed { page.row("removed", step) }
        for reason in change.refusals { page.row("refused", reason) }
    }

    private func addWays(_ page: inout Page) {
        let ways = ways
        page.heading("Ways out that are open, the widest first")
        if isOrdinary {
            page.note("Nothing isolates this process: it is an ordinary process of the host.")
        } else if isClosed {
            page.note("Not known: this user may not look at its namespaces.")
        } else if ways.isEmpty {
            page.note("None that is known. A defect in the kernel remains.")
        }
        if let first = ways.first, first.key == "all capabilities", first.rank == .critical {
            let own = namespaces.filter { $0.isOwn == true }.map(\.kind)
            page.note(
                "An ordinary process of root"
                    + (own.isEmpty
                        ? ": only its filter sets it apart."
                        : ", set apart by its own \(own.joined(separator: ", "))"
                            + " namespace\(own.count == 1 ? "" : "s"): that keeps it from nothing.")
            )
        }
        for (index, way) in ways.enumerated() {
            page.row("\(index + 1) \(way.rank.word)", way.what)
            page.row("", "→ " + way.change)
        }
    }
}

extension NamespaceFact {
    fileprivate func words(isPlanned: Bool) -> String {
        var text =
            switch isOwn {
            case true?: isPlanned ? "its own" : "its own, not the host's"
            case false?: "the host's"
            case nil: "not known"
            }
        if let joined { text = "joins \(joined)" }
        if isOwn == true && isCallers == true { text += ", and the caller's" }
        if isOwn == true && !processes.isEmpty {
            let named = processes.prefix(NamespaceFact.mostNamed).map { "\($0.pid) \($0.name)" }
            let more = processes.count - named.count
            text +=
                "; \(processes.count) process\(processes.count == 1 ? "" : "es") in it: "
                + named.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        }
        return text.origin(place)
    }
}

extension LimitFact {
    var words: String {
        let amount = use.map { "\(unit.words($0)) of " } ?? ""
        let part = share.map { " (\(Int($0 * 100)) %)" } ?? ""
        return "\(amount)\(unit.words(limit))\(part)" + (events.map { ", \($0)" } ?? "")
    }
}

extension LimitFact.Unit {
    fileprivate func words(_ number: UInt64) -> String {
        switch self {
        case .count: "\(number)"
        case .processors: "\(number / 1000).\(number % 1000 / 100)\(number % 100 / 10) CPUs"
        case .bytes:
            number >= 10 << 20
                ? "\(number >> 20) MiB" : number >= 10 << 10 ? "\(number >> 10) KiB" : "\(number) B"
        }
    }
}

extension String {
    /// With the place that asked for it.
    func origin(_ place: String?) -> String { place.map { "\(self)  [\($0)]" } ?? self }
}
