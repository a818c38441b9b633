internal import Glibc
public import SystemPackage

/// Paths of the host, which the caller has to trust.
public enum HostPath {
    /// Opens a path of the host, following links. The corresponding C function is `open`.
    public static func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> OwnedDescriptor {
        let result = try retryOnInterrupt {
            unsafe Glibc.open(path, flags.rawValue | O_CLOEXEC, mode)
        }
        return OwnedDescriptor(FileDescriptor(rawValue: result))
    }

    /// The whole of a file.
    ///
    /// - Parameter limit: More bytes than this are `EFBIG`.
    public static func read(_ path: String, limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        let file = try open(path, [.readOnly, .noControllingTerminal])
        return try file.borrowed.readAll(limit: limit)
    }

    /// The whole of a file that is short as a rule, and gives all it has at once, as a list that the
    /// kernel makes a line at a time does not.
    public static func readShort(_ path: String) throws(Errno) -> [UInt8] {
        let file = try open(path, [.readOnly, .noControllingTerminal])
        return try file.borrowed.readShort()
    }

    /// Makes a directory and its parents. The corresponding C function is `mkdir`.
    public static func makeDirectories(_ path: String, mode: UInt32) throws(Errno) {
        var missing: [String] = []
        var place = path
        while unsafe mkdir(place, mode) != 0 && errno != EEXIST {
            if errno != ENOENT { throw Errno(rawValue: errno) }
            guard let slash = place.lastIndex(of: "/"), slash != place.startIndex else {
                throw .noSuchFileOrDirectory
            }
            missing.append(place)
            place = String(place[..<slash])
        }
        for place in missing.reversed() {
            if unsafe mkdir(place, mode) != 0 && errno != EEXIST { throw Errno(rawValue: errno) }
        }
    }

    /// The corresponding C function is `chmod`, which follows links.
    static func changeMode(_ path: String, _ mode: UInt32) throws(Errno) {
        try checkDone(unsafe chmod(path, mode))
    }

    /// The corresponding C function is `readlink`.
    public static func linkTarget(_ path: String) throws(Errno) -> String {
        try FileDescriptor(rawValue: AT_FDCWD).linkTarget(path)
    }

    /// The corresponding C function is `unlink`.
    public static func remove(_ path: String) throws(Errno) {
        try checkDone(unsafe unlink(path))
    }

    /// Makes one directory. The corresponding C function is `mkdir`.
    public static func makeDirectory(_ path: String, mode: UInt32) throws(Errno) {
        try checkDone(unsafe mkdir(path, mode))
    }

    /// The corresponding C function is `rmdir`.
    public static func removeDirectory(_ path: String) throws(Errno) {
        try checkDone(unsafe rmdir(path))
    }

    /// The names of the directories in a directory. The corresponding C function is `readdir`.
    public static func directories(in path: String) throws(Errno) -> [String] {
        guard let stream = unsafe opendir(path) else { throw Errno(rawValue: errno) }
        defer { unsafe closedir(stream) }
        var found: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            guard unsafe Int(entry.pointee.d_type) == Int(DT_DIR) else { continue }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { found.append(name) }
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return found
    }

    /// The corresponding C function is `getcwd`.
    public static func workingDirectory() throws(Errno) -> String {
        guard let found = unsafe getcwd(nil, 0) else { throw Errno(rawValue: errno) }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
