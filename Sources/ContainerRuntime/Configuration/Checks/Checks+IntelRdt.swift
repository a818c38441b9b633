internal import OCISpec

/// Requirements of `linux.intelRdt`.
extension Checks {
    func intelRdt() {
        guard let director = spec.linux?.intelRdt else { return }
        if let group = director.closID, !isGroup(group.value) {
            diagnostics.error(
                "\"\(group.value)\" is not the name of a resctrl group; write a name without \"/\","
                    + " or \"/\" for the default group", at: group.offset)
        }
        if let bandwidth = director.memBwSchema, !bandwidth.value.isEmpty,
            !bandwidth.value.hasPrefix("MB:") || bandwidth.value.contains("\n")
        {
            diagnostics.error(
                "is not a single line that begins with \"MB:\", such as MB:0=20;1=70",
                at: bandwidth.offset)
        }
        for line in director.schemata where line.value.contains("\n") || line.value.isEmpty {
            diagnostics.error("is not a single line, such as L3:0=7f0;1=1f", at: line.offset)
        }
    }

    private func isGroup(_ name: String) -> Bool {
        name == "/" || !(name.contains("/") || name == "." || name == "..")
    }
}
