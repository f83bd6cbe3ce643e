namespace SixLabors.ImageSharp;

internal class ImageFormatException(string errorMessage, Exception? innerException = null)
    : Exception(errorMessage, innerException);

/// <summary>The bytes are of a known format, but damaged or cut short.</summary>
internal sealed class InvalidImageContentException(string errorMessage, Exception? innerException = null)
    : ImageFormatException(errorMessage, innerException);

/// <summary>The bytes are of no format that can be read.</summary>
internal sealed class UnknownImageFormatException(string errorMessage) : ImageFormatException(errorMessage);
