/// newuidmap(1) and newgidmap(1), which give a user namespace the ids set aside for its user.
public enum MappingProgram {
    public static let users = "newuidmap"
    public static let groups = "newgidmap"

    /// Where the system's programs are, and nowhere else: not in the caller's PATH.
    public static let folders = ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"]

    /// The path of one that belongs to root and that no other user can have written.
    public static func find(_ name: String) -> String? {
        for folder in folders {
            let path = "\(folder)/\(name)"
            guard let status = try? FileStatus.of(path: path), status.kind == .regular,
                status.userID == 0, status.permissions & 0o022 == 0,
                status.permissions & 0o111 != 0
            else { continue }
            return path
        }
        return nil
    }
}
