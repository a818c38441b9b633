internal import LinuxSystem
internal import SystemPackage

/// The id mappings of a user namespace that is joined.
struct FindMappings: RuntimeStep {
    static let manual = StepManual(
        "read the id mappings",
        what: "A helper process joins the user namespace and reads its uid_map and gid_map.",
        why: """
            Only for a user namespace that is joined. The files and directories that the next \
            steps make belong to its ids.
            """,
        calls: "clone3, setns, read")

    let path: String
    /// Those of the config.
    let expected: IDMappings?

    var summary: String { "read the id mappings of the user namespace \(path)" }
    var gives: Provisions { [.idMappings] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let file = try attempt("open", on: path, try HostPath.open(path, .readOnly))
        let found: IDMappings
        do throws(Failure) {
            found = try IDMappings.of(file.borrowed)
        } catch {
            throw error.advised(
                error.errno == .invalidArgument
                    ? "\(path.inQuotes) is no user namespace, or the runtime's own" : nil)
        }
        if let expected, expected != found {
            throw Failure(
                "the user namespace \(path.inQuotes) has other id mappings than linux.uidMappings and"
                    + " linux.gidMappings say; correct them, or leave them out")
        }
        context.idMappings = found
    }
}
