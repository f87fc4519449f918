CREATE ROLE md5_users;
CREATE ROLE plain_users;
CREATE ROLE app LOGIN PASSWORD 'app-secret';
CREATE ROLE other LOGIN PASSWORD 'other-secret';
SET password_encryption = 'md5';
CREATE ROLE md5user LOGIN PASSWORD 'md5-secret' IN ROLE md5_users;
CREATE ROLE plainuser LOGIN PASSWORD 'plain-secret' IN ROLE plain_users;
CREATE DATABASE app OWNER app;
