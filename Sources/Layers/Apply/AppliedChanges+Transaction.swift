internal import LinuxSystem
internal import SystemPackage

// The directory of one apply, with its journal and its store.
extension AppliedChanges {
    /// One apply.
    struct Transaction {
        var number: Int
        var header: ApplyHeader
        var journal: ApplyJournal
        /// Nil where it was never made, or is empty and was removed.
        var store: ApplyStore?
        var mark: ApplyMark?
        var hasMoves = false
    }

    func plannerOptions(_ options: Options) -> ApplyPlanner.Options {
        ApplyPlanner.Options(
            selection: options.selection, isForced: options.isForced,
            isGuarded: options.isGuarded, begun: begun, owners: options.owners)
    }

    func place(_ number: Int) -> String {
        "\(kept.path)/\(AppliedChanges.folderName)/\(AppliedChanges.name(number))"
    }

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    func numbers() throws(Failure) -> [Int] { try AppliedChanges.numbers(in: folder, kept) }

    static func numbers(
        in folder: LayerDirectory, _ kept: KeptUpper
    ) throws(Failure) -> [Int] {
        let names = try attempt("readdir", on: kept.path, try folder.borrowed.entries())
        return names.compactMap { text in
            Int(text).flatMap { name($0) == text ? $0 : nil }
        }.sorted()
    }

    func make(_ number: Int, _ identifier: String) throws(Failure) -> Transaction {
        let place = place(number)
        let isHere = try attempt("stat", on: place, try sharesFileSystem())
        // No character that a shell takes for something else.
        let digits = String(
            decoding: identifier.utf8.filter { (0x30...0x39).contains($0) }, as: UTF8.self)
        let header = ApplyHeader(
            tree: tree.path, identifier: identifier,
            store: isHere ? nil : AppliedTree.storeName("\(digits)-\(number)"))
        let directory = LayerDirectory(
            try attempt(
                "mkdir", on: place,
                try folder.borrowed.openOrMake(AppliedChanges.name(number), mode: 0o700)),
            layer: 0)
        let journal = ApplyJournal(
            try attempt(
                "create", on: "\(place)/journal",
                try directory.borrowed.open(
                    "journal", [.readWrite, .create, .append, .truncate], mode: 0o600)),
            path: "\(place)/journal")
        // Before the store: a store that is not in a journal would stay.
        try journal.append(.header(header))
        try journal.flush()
        var transaction = Transaction(number: number, header: header, journal: journal)
        transaction.store = try makeStore(transaction, directory)
        return transaction
    }

    /// Makes the store, or another one in the place of one that was empty and was removed.
    func makeStore(
        _ transaction: Transaction, _ directory: LayerDirectory
    ) throws(Failure) -> ApplyStore {
        let path = storePath(transaction)
        guard let name = transaction.header.store else {
            let made = try attempt(
                "mkdir", on: path, try directory.borrowed.openOrMake("store", mode: 0o700))
            return ApplyStore(LayerDirectory(made, layer: 0), path: path)
        }
        guard let name = FileName(name) else { throw Failure("mkdir", path, .invalidArgument) }
        let made = LayerDirectory(
            try attempt(
                "mkdir", on: path,
                try tree.root.borrowed.makePlainDirectory(name, mode: 0o700)), layer: 0)
        let status = try attempt("fstat", on: path, try FileStatus.of(made.borrowed))
        try transaction.journal.append(.store(status.inode))
        try transaction.journal.flush()
        return ApplyStore(made, path: path)
    }

    func storePath(_ transaction: Transaction) -> String {
        transaction.header.store.map { "\(tree.path)/\($0)" }
            ?? "\(place(transaction.number))/store"
    }

    /// Whether a file can be renamed from here to the tree.
    func sharesFileSystem() throws(Errno) -> Bool {
        let here = try FileStatus.of(folder.borrowed)
        if here.device != tree.device { return false }
        do throws(Errno) {
            return try folder.borrowed.mountID() == tree.root.borrowed.mountID()
        } catch .notSupported {
            return false
        }
    }

    /// The journal of an apply, what it says, and the directory it lies in; nil where none was made.
    static func openJournal(
        _ number: Int, in folder: LayerDirectory, _ kept: KeptUpper
    ) throws(Failure) -> (ApplyJournal, ApplyJournal.Content, LayerDirectory)? {
        let place = "\(kept.path)/\(folderName)/\(name(number))"
        let directory = LayerDirectory(
            try attempt(
                "open", on: place,
                try folder.borrowed.open(name(number), [.readOnly, .directory])), layer: 0)
        let file = try attempt(
            "open", on: "\(place)/journal",
            try unlessMissing(
                try directory.borrowed.open(
                    "journal", [.readWrite, .append, .nonBlocking, .noControllingTerminal])))
        guard let file else { return nil }
        let journal = ApplyJournal(file, path: "\(place)/journal")
        return (journal, try journal.recover(), directory)
    }

    /// Nil for one without a header: nothing was done; it is removed.
    func open(_ number: Int) throws(Failure) -> Transaction? {
        if let (journal, content, directory) = try AppliedChanges.openJournal(
            number, in: folder, kept)
        {
            if let header = content.header {
                if header.tree != tree.path {
                    throw Failure(
                        "the changes in \(kept.path.inQuotes) were applied to"
                            + " \(header.tree.inQuotes), not to \(tree.path.inQuotes); name that"
                            + " directory")
                }
                var transaction = Transaction(number: number, header: header, journal: journal)
                transaction.mark = content.mark
                transaction.hasMoves = content.hasMoves
                transaction.store = try openStore(transaction, directory, content.store)
                return transaction
            }
        }
        try attempt("unlink", on: place(number), try removeFolder(number))
        return nil
    }

    /// - Parameter inode: Of a store in the tree, where one was made.
    private func openStore(
        _ transaction: Transaction, _ directory: LayerDirectory, _ inode: UInt64?
    ) throws(Failure) -> ApplyStore? {
        let path = storePath(transaction)
        let isInTree = transaction.header.store != nil
        let parent = isInTree ? tree.root : directory
        let found = try attempt(
            "open", on: path,
            try unlessMissing(
                try parent.borrowed.open(
                    transaction.header.store ?? "store", [.readOnly, .directory])))
        guard let found else { return nil }
        let status = try attempt("fstat", on: path, try FileStatus.of(found.borrowed))
        if isInTree {
            // A process that was killed had made it, and nothing in it.
            if inode == nil && transaction.mark == nil { return nil }
            if status.isOwn, status.inode != inode,
                try attempt("readdir", on: path, try found.borrowed.isEmpty)
            {
                // It had been emptied and removed before, and was being made again.
                if let name = transaction.header.store.flatMap({ FileName($0) }) {
                    try removeEmptyStore(name, path)
                }
                return nil
            }
            if !status.isOwn || status.permissions & 0o077 != 0 || status.inode != inode {
                throw Failure(
                    "\(path.inQuotes) is not the directory in which the apply has kept files;"
                        + " another process has put it there: find out where that directory is now,"
                        + " and give it its name again")
            }
        }
        return ApplyStore(LayerDirectory(found, layer: 0), path: path)
    }

    func removeFolder(_ number: Int) throws(Errno) {
        guard let name = FileName(AppliedChanges.name(number)) else { return }
        try folder.borrowed.removeTree(name)
    }

    func remove(_ transaction: Transaction) throws(Failure) {
        if let name = transaction.header.store.flatMap({ FileName($0) }) {
            let path = storePath(transaction)
            try attempt("unlink", on: path, try transaction.store?.removeContents())
            try removeEmptyStore(name, path)
        }
        try attempt(
            "unlink", on: place(transaction.number), try removeFolder(transaction.number))
    }

    /// Of a store in the tree. The tree's root keeps its time.
    func removeEmptyStore(_ name: FileName, _ path: String) throws(Failure) {
        do throws(Errno) {
            let modified = try FileStatus.of(tree.root.borrowed).modified
            try tree.root.borrowed.removeDirectory(name)
            try tree.root.borrowed.changeTimeOfHandle(modified)
        } catch .directoryNotEmpty {
        } catch .noSuchFileOrDirectory {
        } catch .notDirectory {
        } catch {
            throw Failure("rmdir", path.inQuotes, error)
        }
    }
}
