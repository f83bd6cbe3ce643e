namespace Fpn.IlGpu.Files;

/// <summary>
/// The files that a command reads, and those that it already writes. No output may be one of them, by whatever name or link the
/// output reaches it: every command that writes a file asks here first.
/// </summary>
internal sealed class FilesInUse
{
    private readonly Dictionary<FileIdentity, string> known = [];

    /// <summary>Adds files that the command reads.</summary>
    /// <param name="paths">The files; null and missing ones are left out.</param>
    public void AddInputs(params IEnumerable<string?> paths)
    {
        foreach (var path in paths.OfType<string>())
            Add(path, $"it is '{path}', which this command reads");
    }

    /// <summary>Adds a file that the command has begun to write.</summary>
    public void AddOutput(string path, string option) => Add(path, $"it is also the output of {option}");

    /// <summary>Why a file must not be written, as a clause for a sentence; null if it may be.</summary>
    public string? WhyNot(string output)
        => FileIdentity.Of(output) is { } identity ? known.GetValueOrDefault(identity) : null;

    // A pipe or a device may be read and written by one command.
    private void Add(string path, string clause)
    {
        if (FileIdentity.Of(path) is { } identity && !FileIdentity.IsDevice(path))
            known.TryAdd(identity, clause);
    }
}
