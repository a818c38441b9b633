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

    func numbers() throws(Failure) -> [Int] {
        let names = try attempt("readdir", on: kept.path, try folder.borrowed.entries())
        return names.compactMap { name in
            Int(name).flatMap { AppliedChanges.name($0) == name ? $0 : nil }
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
            store: isHere ? nil : ".vfs-run-apply-\(digits)-\(number)")
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
        let store = try makeStore(directory, header, place)
        return Transaction(number: number, header: header, journal: journal, store: store)
    }

    func makeStore(
        _ directory: LayerDirectory, _ header: ApplyHeader, _ place: String
    ) throws(Failure) -> ApplyStore {
        let parent = header.store == nil ? directory : tree.root
        let above = header.store == nil ? place : tree.path
        let name = header.store ?? "store"
        return ApplyStore(
            LayerDirectory(
                try attempt(
                    "mkdir", on: "\(above)/\(name)",
                    try parent.borrowed.openOrMake(name, mode: 0o700)), layer: 0))
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

    /// Nil for one without a header: nothing was done; it is removed.
    func open(_ number: Int) throws(Failure) -> Transaction? {
        let place = place(number)
        let name = AppliedChanges.name(number)
        let directory = LayerDirectory(
            try attempt(
                "open", on: place, try folder.borrowed.open(name, [.readOnly, .directory])),
            layer: 0)
        let file = try attempt(
            "open", on: "\(place)/journal",
            try unlessMissing(
                try directory.borrowed.open(
                    "journal", [.readWrite, .append, .nonBlocking, .noControllingTerminal])))
        if let file {
            let journal = ApplyJournal(file, path: "\(place)/journal")
            try journal.repair()
            var header: ApplyHeader?
            var mark: ApplyMark?
            var hasMoves = false
            try journal.forEach { _, record in
                switch record {
                case .header(let found): header = found
                case .mark(.moves): hasMoves = true
                case .mark(let found): mark = found
                case .step: break
                }
            }
            if let header {
                if header.tree != tree.path {
                    throw Failure(
                        "the changes in \(kept.path.inQuotes) were applied to"
                            + " \(header.tree.inQuotes), not to \(tree.path.inQuotes); name that"
                            + " directory")
                }
                let store = try openStore(directory, header)
                return Transaction(
                    number: number, header: header, journal: journal, store: store, mark: mark,
                    hasMoves: hasMoves)
            }
        }
        try attempt("unlink", on: place, try removeFolder(number))
        return nil
    }

    func openStore(
        _ directory: LayerDirectory, _ header: ApplyHeader
    ) throws(Failure) -> ApplyStore? {
        let parent = header.store == nil ? directory : tree.root
        let name = header.store ?? "store"
        let found = try attempt(
            "open", on: name,
            try unlessMissing(try parent.borrowed.open(name, [.readOnly, .directory])))
        guard let found else { return nil }
        let status = try attempt("fstat", on: name, try FileStatus.of(found.borrowed))
        if !status.isOwn {
            throw Failure(
                "\(name.inQuotes) in \(tree.path.inQuotes) is not believed:"
                    + " \(status.foreignness ?? "")")
        }
        return ApplyStore(LayerDirectory(found, layer: 0))
    }

    func removeFolder(_ number: Int) throws(Errno) {
        guard let name = FileName(AppliedChanges.name(number)) else { return }
        try folder.borrowed.removeTree(name)
    }

    func remove(_ transaction: Transaction) throws(Failure) {
        if let name = transaction.header.store.flatMap({ FileName($0) }) {
            try attempt("unlink", on: tree.path, try removeFromTree(name))
        }
        try attempt(
            "unlink", on: place(transaction.number), try removeFolder(transaction.number))
    }

    /// The tree's root keeps its time.
    func removeFromTree(_ name: FileName) throws(Errno) {
        let modified = try FileStatus.of(tree.root.borrowed).modified
        try tree.root.borrowed.removeTree(name)
        try tree.root.borrowed.changeTimeOfHandle(modified)
    }
}
