using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Fpn.IlGpu.Cli;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Experiments;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Verification;
using Assembly = System.Reflection.Assembly;

namespace Fpn.IlGpu.Tests.Architecture;

/// <summary>Checks the tree's layers: a reference from a lower layer to a higher one fails, and so does a cycle of folders.</summary>
public sealed class ArchitectureTests
{
    // Each room of the library, and the rooms that it may refer to: those below it.
    private static readonly Dictionary<string, string[]> Below = new()
    {
        ["Errors"] = [],
        ["Files"] = [],
        ["Runtime"] = ["Errors"],
        ["Imaging"] = ["Files", "Errors"],
        ["Tensors"] = ["Runtime", "Errors"],
        ["Kernels"] = ["Tensors", "Runtime"],
        ["Networks"] = ["Kernels", "Tensors", "Runtime"],
        ["Weights"] = ["Tensors", "Files"],
        ["Data"] = ["Imaging", "Tensors", "Files", "Errors"],
        ["Detection"] = ["Networks", "Kernels", "Tensors", "Runtime", "Weights", "Imaging"],
        ["Export"] = ["Detection", "Networks", "Kernels", "Tensors", "Runtime", "Weights"],
        ["Evaluation"] = ["Detection", "Weights", "Data", "Imaging", "Tensors", "Runtime", "Files"],
        ["Training"] =
            ["Evaluation", "Detection", "Networks", "Kernels", "Tensors", "Runtime", "Weights", "Data", "Imaging", "Files", "Errors"],
    };

    private static readonly Assembly[] Projects =
    [
        typeof(Detector).Assembly, typeof(Ablation).Assembly, typeof(DeviceVerification).Assembly, typeof(PtxKernel).Assembly,
        typeof(ExitCode).Assembly,
    ];

    private static readonly Lazy<IReadOnlyList<Reference>> All = new(References);

    private static IEnumerable<string> Rooms => Below.Keys;

    [TestCaseSource(nameof(Rooms))]
    public void A_room_refers_only_to_the_rooms_below_it(string room)
    {
        var upward = All.Value.Where(r => RoomOf(r.From) == room && RoomOf(r.To) is { } to && to != room && !Below[room].Contains(to));
        Assert.That(upward, Is.Empty);
    }

    [Test]
    public void Every_folder_of_the_library_belongs_to_a_room()
    {
        var folders = All.Value.Select(r => r.From).Where(f => f == "Fpn.IlGpu" || f.StartsWith("Fpn.IlGpu/", StringComparison.Ordinal));
        Assert.That(folders.Select(RoomOf).Distinct(), Is.SubsetOf(Below.Keys));
    }

    [Test]
    public void Folders_do_not_depend_on_each_other_in_a_cycle()
    {
        var next = All.Value.GroupBy(r => r.From).ToDictionary(own => own.Key, own => own.ToList());
        var done = new HashSet<string>();
        var path = new List<Reference>();
        foreach (var folder in next.Keys)
            Visit(folder);

        void Visit(string folder)
        {
            var start = path.FindIndex(r => r.From == folder);
            if (start >= 0)
                Assert.Fail($"A cycle: {string.Join(", ", path[start..])}.");
            if (!done.Add(folder))
                return;
            foreach (var reference in next.GetValueOrDefault(folder, []))
            {
                path.Add(reference);
                Visit(reference.To);
                path.RemoveAt(path.Count - 1);
            }
        }
    }

    private static string? RoomOf(string folder)
        => folder.Split('/') is ["Fpn.IlGpu", var room, ..] ? room : folder == "Fpn.IlGpu" ? "" : null;

    // One reference for each pair of folders.
    private static List<Reference> References()
    {
        var folders = Projects.SelectMany(SourceFolders.Of).ToDictionary();
        return [.. new ArchLoader().LoadAssemblies(Projects).Build().Types
            .SelectMany(type => type.Dependencies
                .Where(d => d.Target is not GenericParameter)
                .Select(d => new Reference(FolderOf(type), FolderOf(d.Target), type.Name, d.Target.Name)))
            .Where(r => r.From != "" && r.To != "" && r.From != r.To)
            .DistinctBy(r => (r.From, r.To))];

        string FolderOf(IType type) => folders.GetValueOrDefault(type.FullName.Split('+')[0], "");
    }

    private sealed record Reference(string From, string To, string FromType, string ToType)
    {
        public override string ToString() => $"{FromType} ({From}) refers to {ToType} ({To})";
    }
}
