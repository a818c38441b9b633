public import JSON
internal import LinuxSystem

/// The lines of a config.json that asked for what is found in a container.
public struct ConfigPlaces: Sendable {
    private let document: JSONDocument
    private let lines: JSONLines
    private let file: String

    /// - Parameter file: Its name, as it is printed.
    public init(_ document: JSONDocument, file: String) {
        self.document = document
        self.file = file
        lines = document.lines
    }

    private func place(_ value: JSONValue?) -> String? {
        value.map { "\(file):\(lines.line(of: $0.offset))" }
    }

    private func value(_ path: [String]) -> JSONValue? {
        var found: JSONValue? = document.root
        for key in path { found = found?[key] }
        return found
    }

    /// Of the member at a path, or of the nearest one around it that is there.
    public func place(_ path: String...) -> String {
        var rest = path
        while !rest.isEmpty {
            if let found = place(value(rest)) { return found }
            rest.removeLast()
        }
        return file
    }

    /// Of the last entry of `mounts` with that destination, of a masked or a read-only path.
    public func mount(_ point: String) -> String? {
        if point == "/" { return place(value(["vfs", "overlay"])) ?? place(value(["root"])) }
        for key in ["maskedPaths", "readonlyPaths"] {
            let listed = value(["linux", key])?.elements.first { $0.string == point }
            if let listed { return place(listed) }
        }
        return place(mountEntry(point)?["destination"])
    }

    private func mountEntry(_ point: String) -> JSONValue? {
        value(["mounts"])?.elements.last { $0["destination"]?.string == point }
    }

    /// Why a mount is read-only, in the words of the config.
    public func readOnlyReason(_ point: String) -> String? {
        if value(["linux", "readonlyPaths"])?.elements.contains(where: { $0.string == point })
            ?? false
        {
            return "linux.readonlyPaths names it"
        }
        if value(["linux", "maskedPaths"])?.elements.contains(where: { $0.string == point })
            ?? false
        {
            return "linux.maskedPaths names it: what lies there is hidden"
        }
        if point == "/", value(["root", "readonly"])?.bool == true {
            return "root.readonly is true"
        }
        let options = mountEntry(point)?["options"]?.elements.compactMap(\.string) ?? []
        guard let word = options.first(where: { $0 == "ro" || $0 == "rro" }) else { return nil }
        return "its options have \"\(word)\""
    }

    /// Of a capability's name in the bounding or effective set.
    public func capability(_ name: String) -> String {
        for set in ["effective", "permitted", "bounding"] {
            let listed = value(["process", "capabilities", set])?.elements.first {
                $0.string == name
            }
            if let found = place(listed) { return found }
        }
        return place("process", "capabilities")
    }

    public func namespace(_ kind: String) -> String? {
        place(value(["linux", "namespaces"])?.elements.first { $0["type"]?.string == kind })
    }
}
