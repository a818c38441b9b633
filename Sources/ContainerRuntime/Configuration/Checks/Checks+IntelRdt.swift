internal import OCISpec

/// What must hold of `linux.intelRdt`.
extension Checks {
    static func intelRdt(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let director = spec.linux?.intelRdt else { return }
        if let group = director.closID, !isGroup(group.value) {
            diagnostics.error(
                "\"\(group.value)\" is not the name of a group of resctrl; write one without \"/\","
                    + " or \"/\" for the one that all are in", at: group.offset)
        }
        if let bandwidth = director.memBwSchema, !bandwidth.value.isEmpty,
            !bandwidth.value.hasPrefix("MB:") || bandwidth.value.contains("\n")
        {
            diagnostics.error(
                "is not one line that begins with \"MB:\", as MB:0=20;1=70", at: bandwidth.offset)
        }
        for line in director.schemata where line.value.contains("\n") || line.value.isEmpty {
            diagnostics.error("is not one line, as L3:0=7f0;1=1f", at: line.offset)
        }
    }

    private static func isGroup(_ name: String) -> Bool {
        name == "/" || !(name.contains("/") || name == "." || name == "..")
    }
}
