internal import LinuxSystem
internal import SystemPackage

/// Features of the upper's file system without which overlayfs mounts all the same,
/// leaves a line in the kernel's log, and the container meets the errors later, or sees again what it
/// has removed. Looked for in uppers that are kept; what is thrown away lies on a tmpfs.
extension OverlayMount {
    private var notes: LayerMarks { options.contains("userxattr") ? .user : .trusted }
    private var notesNamespace: String { notes.rawValue }

    /// Whether the overlay sees all that its layers hide.
    func requireMarks() throws(OverlayError) {
        for lower in lowers {
            let recorded: LayerMarks?
            do throws(Errno) {
                recorded = try LayerMarks(recordedOn: lower.borrowed)
            } catch {
                throw OverlayError(
                    "the layer \"\(lower.path)\": getxattr \(LayerMarks.attribute): \(error.words)",
                    error)
            }
            try recorded?.require(notes, lower.path)
        }
    }

    /// Whether overlayfs can keep its notes: without them a directory of a layer can be neither
    /// removed nor replaced (EIO). The note that is left for the next time is among the kernel's own.
    func requireAttributes() throws(OverlayError) {
        guard let upper, let work, isKept else { return }
        let name = notesNamespace + ".overlay.probe"
        let place = work.borrowed
        do throws(Errno) {
            if try place.attribute(name, of: .itself) != nil { return }
            try place.setAttribute(name, [UInt8(ascii: "y")], of: .itself)
        } catch .readOnlyFileSystem {
            // The mount fails, and says it better.
        } catch .notSupported {
            throw OverlayError(
                "the upper \"\(upper.path)\" is on a file system without \(notesNamespace).*"
                    + " attributes, which overlayfs needs for whiteouts and opaque directories; put it on"
                    + " ext4, xfs or btrfs", .notSupported)
        } catch {
            throw OverlayError(
                "overlayfs cannot keep its notes in \"\(work.path)\": setxattr \(name):"
                    + " \(error.words); give it to the user who runs this", error)
        }
    }

    /// Whether listing a directory tells what kind its files are: without it the files that stand
    /// for deleted ones are listed. Once it is mounted: there is a directory of the kernel's then.
    func requireKinds() throws(OverlayError) {
        guard !isForeign, let upper, let work, isKept else { return }
        do throws(Errno) {
            if try work.borrowed.listingTellsKind(of: "work") { return }
        } catch {
            return
        }
        throw OverlayError(
            "the upper \"\(upper.path)\" is on a file system that does not tell kinds of files in"
                + " listings (d_type), so that deleted files would be listed; mkfs.xfs -n ftype=1 or"
                + " mkfs.ext4 -O filetype makes one that does", .notSupported)
    }

    /// A throw-away upper has no path.
    var isKept: Bool { upper?.path.hasPrefix("/") ?? false }
}
