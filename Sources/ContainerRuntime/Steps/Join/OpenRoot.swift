internal import LinuxSystem
internal import SystemPackage

/// The root of a mount namespace that is joined.
struct OpenRoot: ContainerStep {
    static let manual = StepManual(
        "open the container's root",
        what: "Opens the root of the mount namespace that was joined.",
        why: "After the namespace is joined, before everything that is looked up in the root.",
        calls: "openat")

    let summary = "open the container's root"
    var gives: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(Failure) {
        context.root = try attempt(
            "open", on: "/",
            try HeldRoot(RootDirectory(HostPath.open("/", [.path, .directory]))))
    }
}
