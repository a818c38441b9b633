public import JSON
internal import LinuxSystem
internal import Seccomp

extension Explanation {
    public var json: JSONOutput {
        .object([
            ("title", .string(title)),
            ("namespaces", .array(namespaces.map(\.json))),
            ("user", identity.json),
            ("capabilities", capabilities.json),
            ("seccomp", seccomp.json),
            ("mounts", .array(mounts.all.map(\.json))),
            ("mountsComplete", .bool(!mounts.isCut)),
            ("limits", .array(limits.map(\.json))),
            ("security", security.json),
            ("descriptors", .array(descriptors.map(\.json))),
            ("userNamespaceWouldChange", change?.json ?? .null),
            ("unknown", .strings(unknown)),
            ("isOrdinary", .bool(isOrdinary)),
            (
                "ways",
                .array(
                    ways.map {
                        [
                            "rank": .string($0.rank.word), "key": .string($0.key),
                            "what": .string($0.what), "change": .string($0.change),
                        ]
                    })
            ),
        ])
    }

    /// The mount that a path lies in; null where none is known.
    public func json(path: String) -> JSONOutput {
        guard let mount = mounts.around(path) else { return .null }
        return [
            "path": .string(path), "mount": mount.json,
            "readOnly": .bool(mount.isReadOnly || mount.isReadOnlyFileSystem),
            "why": .string(mount.writingWords),
        ]
    }
}

private func optional(_ text: String?) -> JSONOutput { text.map { .string($0) } ?? .null }
private func optional(_ value: Bool?) -> JSONOutput { value.map { .bool($0) } ?? .null }
private func optional(_ number: UInt64?) -> JSONOutput { number.map { .unsigned($0) } ?? .null }

extension NamespaceFact {
    fileprivate var json: JSONOutput {
        [
            "kind": .string(kind), "id": .string(id), "own": optional(isOwn),
            "callers": optional(isCallers), "joins": optional(joined),
            "processes": .array(
                processes.prefix(1000).map {
                    ["pid": .integer(Int64($0.pid)), "name": .string($0.name)]
                }),
            "place": optional(place),
        ]
    }
}

extension IdentityFacts {
    fileprivate var json: JSONOutput {
        func map(_ ranges: [IDRange]) -> JSONOutput {
            .array(
                ranges.map {
                    [
                        "inside": .unsigned(UInt64($0.inside)),
                        "outside": .unsigned(UInt64($0.outside)),
                        "count": .unsigned(UInt64($0.count)),
                    ]
                })
        }
        return [
            "uid": optional(user.map(UInt64.init)), "gid": optional(group.map(UInt64.init)),
            "uidMap": map(users), "gidMap": map(groups), "place": optional(place),
        ]
    }
}

extension CapabilityFacts {
    fileprivate var json: JSONOutput {
        guard let sets else { return .null }
        return [
            "effective": .strings(sets.effective.names),
            "permitted": .strings(sets.permitted.names),
            "bounding": .strings(sets.bounding.names),
            "inheritable": .strings(sets.inheritable.names),
            "ambient": .strings(sets.ambient.names),
            "lacking": .array(
                lacking.map {
                    [
                        "program": .string($0.program.name), "missing": .strings($0.missing),
                        "reason": .string($0.program.reason),
                    ]
                }),
            "place": optional(place),
        ]
    }
}

extension SeccompFacts {
    fileprivate var json: JSONOutput {
        let word =
            switch mode {
            case SeccompFacts.Mode.none?: "none"
            case .strict?: "strict"
            case .filter?: "filter"
            case nil: "unknown"
            }
        return [
            "mode": .string(word), "filters": optional(count.map { UInt64(max($0, 0)) }),
            "source": optional(source), "notRead": optional(reason),
            "calls": filters == nil ? .null : .object(decisions.map(\.member)),
        ]
    }
}

extension FilterDecision {
    /// The call's name, and its answer, or what leads to each of its answers.
    var member: (key: String, value: JSONOutput) {
        if let answer { return (call.words, .string(answer.words)) }
        return (
            call.words,
            .object(answers.map { ($0.words, .strings(conditions(of: $0, atMost: 64))) })
        )
    }
}

extension MountFacts.Mount {
    fileprivate var json: JSONOutput {
        [
            "point": .string(point), "type": .string(type), "root": .string(root),
            "source": .string(source), "options": .strings(options),
            "readOnly": .bool(isReadOnly || isReadOnlyFileSystem),
            "propagation": .strings(propagation), "depth": .integer(Int64(depth)),
            "host": .bool(isHosts), "place": optional(place), "reason": optional(reason),
        ]
    }
}

extension LimitFact {
    fileprivate var json: JSONOutput {
        let thousandths = share.map { JSONOutput.thousandths(Int64($0 * 1000)) }
        let unit =
            switch unit {
            case .bytes: "bytes"
            case .count: "count"
            case .processors: "thousandths of a CPU"
            }
        return [
            "name": .string(name), "limit": .unsigned(limit), "use": optional(use),
            "unit": .string(unit), "share": thousandths ?? .null, "events": optional(events),
            "place": .string(place),
        ]
    }
}

extension SecurityFacts {
    fileprivate var json: JSONOutput {
        [
            "noNewPrivileges": optional(noNewPrivileges), "dumpable": optional(isDumpable),
            "labels": .array(
                labels.map { ["module": .string($0.module), "label": .string($0.text)] }),
            "place": optional(place),
        ]
    }
}

extension DescriptorFact {
    fileprivate var json: JSONOutput {
        [
            "number": .integer(Int64(number)), "target": .string(target),
            "directory": .bool(isDirectory), "writable": .bool(isWritable),
        ]
    }
}

extension UserNamespaceChange {
    fileprivate var json: JSONOutput {
        [
            "rules": .strings(rules), "added": .strings(added), "removed": .strings(removed),
            "refused": .strings(refusals),
        ]
    }
}
