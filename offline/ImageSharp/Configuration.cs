using SixLabors.ImageSharp.Formats;

namespace SixLabors.ImageSharp;

// Source-compatible stand-in for the part of SixLabors.ImageSharp that this library uses, for builds where the package
// feed lacks it. Our own code; every type is internal, so that it can't be mistaken for the package.

internal interface IImageFormatConfigurationModule
{
    void Configure(Configuration configuration);
}

/// <summary>The picture formats that a read may meet.</summary>
internal sealed class Configuration
{
    public Configuration(params IImageFormatConfigurationModule[] configurationModules)
    {
        foreach (IImageFormatConfigurationModule module in configurationModules)
        {
            module.Configure(this);
        }
    }

    internal List<IImageDecoder> Decoders { get; } = [];
}
