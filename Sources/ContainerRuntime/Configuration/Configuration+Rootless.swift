internal import LinuxSystem

extension Origin {
    /// Added for a rootless container.
    public static let rootless = Origin.builtIn("rootless")
}

extension RootlessUser {
    static let noIDs =
        "mapping ids other than the caller's own requires newuidmap and newgidmap (package uidmap or"
        + " shadow-utils) and subordinate ids in /etc/subuid and /etc/subgid; have the administrator"
        + " add both, or map a single user and group to the caller's ids"
}
