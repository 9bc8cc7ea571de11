"""Copies generated storyboard images to Cloudinary before their signed URLs die."""

__version__ = "0.1.0"
