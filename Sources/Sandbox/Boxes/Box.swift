public import LinuxSystem
internal import SystemPackage

/// A box of isolate(1): a directory of the host that outlives the runs in it.
///
///     ROOT/N/box      what the program sees at /box
///     ROOT/N/tmp/X    what it sees at X, where a rule says `tmp`
///     ROOT/locks/N    the lock of the process that uses the box, and what is known of the box
///
/// The lock file is never removed: another process may be waiting for it.
public final class Box: Sendable {
    public let number: UInt32
    /// The directory, absolute.
    public let path: String
    private let store: OwnedDescriptor
    private let lockFile: OwnedDescriptor
    private let name: FileName

    init(
        _ number: UInt32, in store: consuming OwnedDescriptor, path: String,
        lock: consuming OwnedDescriptor
    ) {
        self.number = number
        self.path = path
        self.store = store
        lockFile = lock
        name = FileName(number: UInt64(number))
    }

    /// What is known of a box.
    struct Record: Hashable {
        var usesControlGroups: Bool
        var isReady: Bool

        /// Nil for text that is none.
        init?(_ text: String) {
            let words = text.split(separator: "\n", omittingEmptySubsequences: false)
            guard words.count == 3, words[2].isEmpty,
                let uses = ["plain": false, "cg": true][String(words[0])],
                let ready = ["making": false, "ready": true][String(words[1])]
            else { return nil }
            (usesControlGroups, isReady) = (uses, ready)
        }

        init(usesControlGroups: Bool, isReady: Bool) {
            (self.usesControlGroups, self.isReady) = (usesControlGroups, isReady)
        }

        var text: String {
            (usesControlGroups ? "cg" : "plain") + "\n" + (isReady ? "ready" : "making") + "\n"
        }
    }

    /// Nil where the box does not exist.
    private func record() throws(Failure) -> Record? {
        let bytes = try attempt(
            "read", "the lock of the box \(number)", try lockFile.borrowed.readAll(limit: 64))
        if bytes.isEmpty { return nil }
        guard let record = Record(String(decoding: bytes, as: UTF8.self)) else {
            throw Failure(
                "the lock file of the box \(number) is damaged; remove it and \(path.inQuotes)",
                .damaged)
        }
        return record
    }

    private func write(_ record: Record?) throws(Failure) {
        try attempt("write", "the lock of the box \(number)") { () throws(Errno) in
            try lockFile.borrowed.setSize(0)
            if let record {
                // At the end, which is the start.
                try lockFile.borrowed.write(all: Array(record.text.utf8))
            }
        }
    }

    private func require(_ record: Record, _ usesControlGroups: Bool) throws(Failure) {
        if record.usesControlGroups == usesControlGroups { return }
        throw Failure(
            record.usesControlGroups
                ? "the box \(number) was made with --cg; use --cg here too"
                : "the box \(number) was made without --cg; use none here either")
    }

    /// Makes the box anew.
    public func make(usesControlGroups: Bool) throws(Failure) {
        if let known = try record() { try require(known, usesControlGroups) }
        var record = Record(usesControlGroups: usesControlGroups, isReady: false)
        try write(record)
        try removeTree()
        try attempt("mkdir", path.inQuotes) { () throws(Errno) in
            let directory = try store.borrowed.makePlainDirectory(name, mode: 0o700)
            _ = try directory.borrowed.makePlainDirectory("box", mode: 0o700)
        }
        record.isReady = true
        try write(record)
    }

    public static func missing(_ number: UInt32, usesControlGroups: Bool) -> Failure {
        Failure(
            "the box \(number) does not exist; make it with"
                + " \"isolate\(usesControlGroups ? " --cg" : "") --box-id=\(number) --init\"")
    }

    /// Requires a box that was made, for a run.
    public func require(usesControlGroups: Bool) throws(Failure) {
        guard let known = try record() else {
            throw Box.missing(number, usesControlGroups: usesControlGroups)
        }
        try require(known, usesControlGroups)
        if !known.isReady {
            throw Failure("the box \(number) was not completed; make it with --init")
        }
    }

    /// Removes the box; nothing where it does not exist.
    public func remove(usesControlGroups: Bool) throws(Failure) {
        if let known = try record() { try require(known, usesControlGroups) }
        try removeTree()
        try write(nil)
    }

    private func removeTree() throws(Failure) {
        try attempt("unlink", on: path, try store.borrowed.removeTree(name))
    }

    /// Removes what is no regular file and no directory, and makes the rest the caller's own.
    public func removeSpecialFiles() throws(Failure) {
        let place = "\(path)/box"
        func open() throws(Errno) -> OwnedDescriptor {
            let directory = try store.borrowed.open(name, [.path, .directory])
            // The program may have closed it to its owner.
            return try directory.borrowed.openToEmpty("box")
        }
        let box = try attempt("open", on: place, try open())
        try box.borrowed.removeSpecialFiles(place)
    }

    /// The directory of a rule with `tmp`, which is made where it is missing.
    func temporaryDirectory(_ name: String) throws(Failure) -> String {
        let place = "\(path)/tmp/\(name)"
        try attempt("mkdir", place.inQuotes) { () throws(Errno) in
            let directory = try store.borrowed.open(self.name, [.path, .directory])
            let all = try directory.borrowed.openOrMake("tmp", mode: 0o700)
            _ = try all.borrowed.openOrMake(name, mode: 0o700)
        }
        return place
    }
}
