using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The model and the picture that a command measures, as files: processes of this bench and the peer read the same. The
/// picture is noise. Random weights, and the picture, lie in a folder of their own, which goes when this is disposed.
/// </summary>
internal sealed class BenchModel : IDisposable
{
    /// <summary>fasterrcnn_resnet50_fpn with random weights.</summary>
    public const string ResNet50 = "r50";

    /// <summary>The model that comes with the library.</summary>
    public const string Shipped = "shipped";

    private readonly DirectoryInfo folder;

    private BenchModel(string name, PictureSize size, string extension, DirectoryInfo folder)
    {
        (Name, Size, this.folder) = (name, size, folder);
        File = name == Shipped ? null : name == ResNet50 ? Path.Combine(folder.FullName, $"r50.{extension}") : name;
        Picture = Noise(size);
        System.IO.File.WriteAllBytes(PictureFile, Picture.Pixels);
    }

    public string Name { get; }

    public PictureSize Size { get; }

    public RgbImage Picture { get; }

    /// <summary>Its weights; null for the model that comes with the library.</summary>
    public string? File { get; }

    /// <summary>The picture's bytes.</summary>
    public string PictureFile => Path.Combine(folder.FullName, "picture.rgb");

    /// <summary>Names it for people.</summary>
    public string Title => Name switch
    {
        ResNet50 => "Faster R-CNN R50-FPN with random weights",
        Shipped => "the shipped model",
        _ => Path.GetFileName(Name),
    };

    /// <summary>
    /// Makes the files. The network's input is the picture as it is; but the shipped model resizes it as it does for everyone.
    /// </summary>
    /// <param name="name">r50, shipped or a checkpoint.</param>
    /// <param name="size">Null for 800 × 1333, or 480 × 640 for the shipped model.</param>
    /// <param name="peer">Makes or loads the same weights; null where there is none.</param>
    /// <exception cref="BenchException">The peer can't run that model, or there is no such file.</exception>
    public static BenchModel Prepare(string name, PictureSize? size, TorchvisionPeer? peer)
    {
        if (name == Shipped && peer is not null)
            throw new BenchException("torchvision can't run the shipped model: measure r50 or a file of its own against it.");
        if (name is not (Shipped or ResNet50) && !System.IO.File.Exists(name))
            throw new BenchException($"There is no file '{name}'; --model can be r50, shipped or a checkpoint.");
        var model = new BenchModel(
            name, size ?? (name == Shipped ? new PictureSize(480, 640) : new PictureSize(800, 1333)),
            peer is null ? "safetensors" : "pth", Directory.CreateTempSubdirectory("fpn-bench-"));
        try
        {
            if (peer is not null)
                model.LoadInto(peer, create: name == ResNet50);
            else if (name == ResNet50)
                OwnProcess.Run(RandomResNet50.CommandName, model.File!);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Has the peer load the model, or make it.</summary>
    public void LoadInto(TorchvisionPeer peer, bool create) => peer.UseModel(Size, File!, create, PictureFile);

    /// <summary>Loads the model.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="inputSize">The network's input; null for the picture's size.</param>
    /// <param name="proposals">How many proposals; null for the model's own.</param>
    public Detector Load(Device device, PictureSize? inputSize = null, int? proposals = null)
        => Load(device, File, inputSize ?? Size, proposals);

    /// <summary>Loads a model from a file, or the shipped one.</summary>
    public static Detector Load(Device device, string? file, PictureSize inputSize, int? proposals = null)
    {
        List<string> keys = [];
        if (file is not null)
        {
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"min_size\": {Math.Min(inputSize.Height, inputSize.Width)}"));
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"max_size\": {Math.Max(inputSize.Height, inputSize.Width)}"));
        }
        if (proposals is { } count)
        {
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"rpn_post_nms_top_n\": {count}"));
            keys.Add(string.Create(CultureInfo.InvariantCulture, $"\"rpn_pre_nms_top_n\": {Math.Max(1000, count)}"));
        }
        return Detector.Load(device, file, keys.Count == 0 ? null : $"{{{string.Join(", ", keys)}}}");
    }

    /// <summary>A picture in which every pixel is another, the same each time.</summary>
    public static RgbImage Noise(PictureSize size)
    {
        var picture = new RgbImage(size.Width, size.Height);
        new Random(1).NextBytes(picture.Pixels);
        return picture;
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Delete(recursive: true);
}
