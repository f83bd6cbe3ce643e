using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Fpn.IlGpu.Tests.Architecture;

/// <summary>The source folder of each type of an assembly, as recorded in the debug symbols.</summary>
internal static class SourceFolders
{
    // The debug information that names the source files of types whose methods have no code.
    private static readonly Guid TypeDefinitionDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    /// <summary>Returns the folder, such as <c>Fpn.IlGpu/Kernels/Roi</c>, of each outermost type by its full name.</summary>
    public static Dictionary<string, string> Of(Assembly assembly)
    {
        var project = assembly.GetName().Name!;
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assembly.Location, ".pdb")));
        var reader = symbols.GetMetadataReader();
        var folders = new Dictionary<string, string>();
        foreach (var type in assembly.GetTypes())
        {
            if (type.DeclaringType is null && DocumentOf(reader, type) is { } document)
                folders[type.FullName!] = FolderOf(project, document);
        }
        return folders;
    }

    private static string? DocumentOf(MetadataReader reader, Type type)
    {
        const BindingFlags Own = BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        var inMethods = type.GetMembers(Own).OfType<MethodBase>()
            .Select(method => reader.GetMethodDebugInformation(MetadataTokens.MethodDebugInformationHandle(method.MetadataToken & 0xFFFFFF)).Document)
            .Where(handle => !handle.IsNil)
            .Select(handle => reader.GetString(reader.GetDocument(handle).Name));
        // Generated code is in obj/.
        return inMethods.Concat(Declared(reader, type)).FirstOrDefault(name => name.EndsWith(".cs", StringComparison.Ordinal) && !name.Contains("/obj/", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Declared(MetadataReader reader, Type type)
    {
        var handle = MetadataTokens.TypeDefinitionHandle(type.MetadataToken & 0xFFFFFF);
        foreach (var information in reader.GetCustomDebugInformation(handle).Select(reader.GetCustomDebugInformation))
        {
            if (reader.GetGuid(information.Kind) != TypeDefinitionDocuments)
                continue;
            var blob = reader.GetBlobReader(information.Value);
            while (blob.RemainingBytes > 0)
                yield return reader.GetString(reader.GetDocument(MetadataTokens.DocumentHandle(blob.ReadCompressedInteger())).Name);
        }
    }

    // The source file's folder, from the project's folder on.
    private static string FolderOf(string project, string document)
    {
        var path = document.Replace('\\', '/');
        var start = path.LastIndexOf($"/{project}/", StringComparison.Ordinal) + 1;
        return path[start..path.LastIndexOf('/')];
    }
}
