internal import LinuxSystem

extension Origin {
    /// What is added for somebody who is not root.
    public static let rootless = Origin.builtIn("rootless")
}

extension RootlessUser {
    static let noIDs =
        "ids beside your own take newuidmap and newgidmap (the package uidmap, or shadow-utils) and"
        + " lines for you in /etc/subuid and /etc/subgid; the administrator adds both, or map one"
        + " user and one group to your own ids"
}
