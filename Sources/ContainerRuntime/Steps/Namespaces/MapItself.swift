internal import LinuxSystem

/// `linux.uidMappings`, `linux.gidMappings`, without root and without helpers.
struct MapItself: ContainerStep {
    static let manual = StepManual(
        "map its own user and group",
        what: "The init process maps one id of the user namespace: the caller's own.",
        why: """
            Before the init process makes anything. A process may map its own id, so no other \
            process is needed.
            """,
        calls: "write")

    let mappings: IDMappings

    private var writing: WriteMappings { WriteMappings(mappings: mappings, writer: .itself) }
    var summary: String { writing.summary }
    var undoing: String { writing.undoing }

    func apply(_ context: ContainerContext) throws(Failure) { try writing.write(to: nil) }
}
