internal import CLinux
internal import Glibc
public import SystemPackage

/// A file system being configured (fsopen(2)), with the kernel's own words about what it does
/// not like.
public struct FileSystemContext: ~Copyable {
    private let descriptor: OwnedDescriptor
    public let type: String

    /// The corresponding C function is `fsopen`.
    ///
    /// - Throws: `Errno.operationNotSupportedByDevice` (`ENODEV`) for a type the kernel does not know.
    public init(_ type: String) throws(Errno) {
        let result = unsafe fsopen(type, 1)  // FSOPEN_CLOEXEC
        descriptor = try OwnedDescriptor.adopt(result)
        self.type = type
    }

    /// Takes over one that another process has made.
    public init(_ descriptor: consuming OwnedDescriptor, _ type: String) {
        self.descriptor = descriptor
        self.type = type
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }

    /// Throws unless this is a context of `type`, as the kernel says when it refuses a parameter that
    /// no file system has.
    public static func verify(_ file: FileDescriptor, is type: String) throws(Errno) {
        let context = FileSystemContext(try OwnedDescriptor.duplicate(file), type)
        let unknown = "no-such-parameter"
        do throws(Errno) {
            try context.set(unknown)
        } catch .invalidArgument {
            if context.messages().last == "\(type): Unknown parameter '\(unknown)'" { return }
        }
        throw .invalidArgument
    }

    /// The corresponding C function is `fsconfig` with `FSCONFIG_SET_FLAG`.
    public func set(_ key: String) throws(Errno) {
        try configure(CLINUX_FSCONFIG_SET_FLAG, key)
    }

    /// The corresponding C function is `fsconfig` with `FSCONFIG_SET_STRING`.
    ///
    /// - Parameter value: At most 255 bytes, or the kernel answers `EINVAL` without a word.
    public func set(_ key: String, _ value: String) throws(Errno) {
        let result = unsafe fsconfig(
            descriptor.borrowed.rawValue, CUnsignedInt(CLINUX_FSCONFIG_SET_STRING), key, value, 0)
        try checkDone(result)
    }

    /// The corresponding C function is `fsconfig` with `FSCONFIG_SET_FD`.
    public func set(_ key: String, _ value: FileDescriptor) throws(Errno) {
        let result = unsafe fsconfig(
            descriptor.borrowed.rawValue, CUnsignedInt(CLINUX_FSCONFIG_SET_FD), key, nil,
            value.rawValue)
        try checkDone(result)
    }

    /// The corresponding C function is `fsconfig` with `FSCONFIG_CMD_CREATE`.
    public func create() throws(Errno) {
        try configure(CLINUX_FSCONFIG_CMD_CREATE, nil)
    }

    /// The corresponding C function is `fsmount`.
    public func mount(_ attributes: MountAttributes = []) throws(Errno) -> DetachedMount {
        let result = fsmount(
            descriptor.borrowed.rawValue, 1, CUnsignedInt(truncatingIfNeeded: attributes.rawValue))
        return DetachedMount(try OwnedDescriptor.adopt(result))
    }

    /// The kernel's messages about this context since the last call, oldest first, without the
    /// level letter: `overlay: No changes allowed in reconfigure`.
    public func messages() -> [String] {
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while found.count < 32 {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(descriptor.borrowed.rawValue, $0.baseAddress, $0.count)
            }
            if count <= 0 { break }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            found.append(String(text.dropFirst(2).filter { $0 != "\n" }))
        }
        return found
    }

    private func configure(_ command: Int, _ key: String?) throws(Errno) {
        let context = descriptor.borrowed.rawValue
        if let key {
            try checkDone(unsafe fsconfig(context, CUnsignedInt(command), key, nil, 0))
        } else {
            try checkDone(fsconfig(context, CUnsignedInt(command), nil, nil, 0))
        }
    }
}
